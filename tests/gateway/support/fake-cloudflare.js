// The part of Cloudflare's API that wrangler calls for `secret` and `deploy`. A Worker that was never deployed is not
// there, as on Cloudflare.

import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { emitted } from "../../support/wait.js";

const NOT_FOUND = { code: 10007, message: "This Worker does not exist on your account." };

/** A Worker of the account. */
class Worker {
  secrets = new Map();
  /** What was uploaded last beside the code: `bindings`, `migrations`, … */
  metadata = {};
}

export class FakeCloudflare {
  /** The Workers of the account by name. */
  workers = {};
  /** Each request as a method and a path. */
  requests = [];
  #server = createServer((request, response) => this.#answer(request, response));

  static async start() {
    const cloudflare = new FakeCloudflare();
    cloudflare.#server.listen(0, "127.0.0.1");
    await emitted(cloudflare.#server, "listening");
    return cloudflare;
  }

  /** What makes wrangler use it. */
  get env() {
    return {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${this.#server.address().port}`,
      CLOUDFLARE_API_TOKEN: "token-of-the-tests",
      CLOUDFLARE_ACCOUNT_ID: "0".repeat(32),
    };
  }

  /** Adds a Worker as if it had been deployed, and returns it. */
  addWorker(name) {
    this.workers[name] = new Worker();
    return this.workers[name];
  }

  async #answer(request, response) {
    const [, path] = /^\/accounts\/0+(\/[^?]*)/.exec(request.url) ?? [];
    this.requests.push(`${request.method} ${path ?? request.url}`);
    const reply = (status, body) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ success: status < 400, errors: [], messages: [], ...body }));
    };
    for (const [method, pattern, answer] of ROUTES) {
      const [found, name] = (method === request.method && pattern.exec(path)) || [];
      if (!found) continue;
      const worker = this.workers[name];
      if (name !== undefined && !worker && !answer.takesUnknown) {
        request.resume();
        return reply(404, { errors: [NOT_FOUND] });
      }
      return reply(200, { result: await answer({ cloudflare: this, request, name, worker }) });
    }
    reply(400, { errors: [{ code: 1000, message: `no ${request.method} ${request.url} here` }] });
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Marks the answer of a request that may name a Worker which is not there yet. */
const takesUnknown = (answer) => Object.assign(answer, { takesUnknown: true });

/** [method, path, what is answered], by the documentation of the API; the group in a path is the name of a Worker. */
const ROUTES = [
  [
    "GET",
    /^\/workers\/scripts\/([\w-]+)\/secrets$/,
    ({ worker }) => [...worker.secrets.keys()].map((name) => ({ name, type: "secret_text" })),
  ],
  [
    "PATCH",
    /^\/workers\/scripts\/([\w-]+)\/secrets-bulk$/,
    async ({ request, worker }) => {
      const { secrets } = await json(request);
      for (const { name, text } of Object.values(secrets)) worker.secrets.set(name, text);
      return {};
    },
  ],
  ["PUT", /^\/workers\/scripts\/([\w-]+)$/, takesUnknown(upload)],
];

/** Takes the code of a Worker, which makes it, with its settings and the secrets that come with it. */
async function upload({ cloudflare, request, name, worker = cloudflare.addWorker(name) }) {
  const form = await new Response(request, { headers: request.headers }).formData();
  worker.metadata = JSON.parse(form.get("metadata"));
  for (const { type, name, text } of worker.metadata.bindings) {
    if (type === "secret_text") worker.secrets.set(name, text);
  }
  return { id: name, deployment_id: "0".repeat(32), startup_time_ms: 1 };
}
