// The part of Cloudflare's API that lists and sets secrets.

import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { emitted } from "../../support/wait.js";

export class FakeCloudflare {
  /** The secrets of each Worker by name; those of the Worker without an environment are `secrets`. */
  workers = { "vtryon-webhooks": new Map(), "vtryon-webhooks-staging": new Map() };
  /** Each request as a method and a path. */
  requests = [];
  #server = createServer((request, response) => this.#answer(request, response));

  static async start() {
    const cloudflare = new FakeCloudflare();
    cloudflare.#server.listen(0, "127.0.0.1");
    await emitted(cloudflare.#server, "listening");
    return cloudflare;
  }

  get secrets() {
    return this.workers["vtryon-webhooks"];
  }

  /** What makes wrangler use it. */
  get env() {
    return {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${this.#server.address().port}`,
      CLOUDFLARE_API_TOKEN: "token-of-the-tests",
      CLOUDFLARE_ACCOUNT_ID: "0".repeat(32),
    };
  }

  async #answer(request, response) {
    this.requests.push(`${request.method} ${request.url}`);
    const reply = (status, body) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ success: status < 400, errors: [], messages: [], ...body }));
    };
    const [, worker] =
      /\/workers\/scripts\/([\w-]+)\/secrets(-bulk)?(\?|$)/.exec(request.url) ?? [];
    const secrets = this.workers[worker];
    if (secrets && request.method === "GET") {
      const result = [...secrets.keys()].map((name) => ({ name, type: "secret_text" }));
      return reply(200, { result });
    }
    if (secrets) {
      const body = await json(request);
      for (const { name, text } of Object.values(body.secrets ?? body)) secrets.set(name, text);
      return reply(200, { result: {} });
    }
    reply(400, { errors: [{ code: 1000, message: `no ${request.method} ${request.url} here` }] });
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
