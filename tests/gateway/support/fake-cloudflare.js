// The part of Cloudflare's API that wrangler calls for `secret` and `deploy`. A Worker that was never deployed is not
// there, as on Cloudflare.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { emitted } from "../../support/wait.js";

/** The subdomain of the account on workers.dev. */
const SUBDOMAIN = "shop";

const VERSION = "0".repeat(32);
/** What the Free plan answers. */
const FREE_PLAN = { code: 100328, message: "CPU limits are not supported for the Free plan." };
const NOT_FOUND = { code: 10007, message: "This Worker does not exist on your account." };

/** A Worker of the account. */
class Worker {
  secrets = new Map();
  /** What was uploaded last beside the code: `bindings`, `migrations`, … */
  metadata = { bindings: [] };
  /** The last migration of its classes. */
  migrationTag;
  /** When it runs by itself. */
  crons = [];
  /** Whether it is reached on workers.dev, and under previews of it. */
  subdomain = { enabled: false, previews_enabled: false };
}

export class FakeCloudflare {
  /** The Workers of the account by name. */
  workers = {};
  /** The KV namespaces of the account, each with `id` and `title`. */
  namespaces = [];
  /** The contents of the assets that were uploaded, by hash. */
  assets = new Map();
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
      try {
        return reply(200, { result: await answer({ cloudflare: this, request, name, worker }) });
      } catch ({ code, message }) {
        return reply(400, { errors: [{ code, message }] });
      }
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

const listSecrets = ({ worker }) =>
  [...worker.secrets.keys()].map((name) => ({ name, type: "secret_text" }));

async function setSecrets({ request, worker }) {
  const { secrets } = await json(request);
  for (const { name, text } of Object.values(secrets)) worker.secrets.set(name, text);
  return {};
}

/** What wrangler asks before it uploads: by whom the Worker was deployed, and which migrations it has. */
const describe = ({ worker }) => ({
  default_environment: {
    script: {
      tag: VERSION,
      last_deployed_from: "wrangler",
      migration_tag: worker.migrationTag,
    },
  },
});

/** Asks for those assets of a manifest that were not uploaded before, in one bucket. */
async function askForAssets({ cloudflare, request }) {
  const { manifest } = await json(request);
  const hashes = Object.values(manifest).map(({ hash }) => hash);
  return { jwt: "session", buckets: [hashes.filter((hash) => !cloudflare.assets.has(hash))] };
}

async function takeAssets({ cloudflare, request }) {
  for (const [hash, file] of await formOf(request)) {
    cloudflare.assets.set(hash, Buffer.from(await file.text(), "base64").toString());
  }
  return { jwt: "uploaded" };
}

async function addNamespace({ cloudflare, request }) {
  const namespace = { id: randomBytes(16).toString("hex"), title: (await json(request)).title };
  cloudflare.namespaces.push(namespace);
  return namespace;
}

/** Takes the code of a Worker, which makes it, with its settings and the secrets that come with it. */
async function upload({ cloudflare, request, name, worker }) {
  const metadata = JSON.parse((await formOf(request)).get("metadata"));
  if (metadata.limits) throw FREE_PLAN;
  const made = worker ?? cloudflare.addWorker(name);
  made.metadata = metadata;
  made.migrationTag = metadata.migrations?.new_tag ?? made.migrationTag;
  for (const { type, name, text } of metadata.bindings) {
    if (type === "secret_text") made.secrets.set(name, text);
  }
  return { id: VERSION, deployment_id: VERSION, resources: { script: { etag: VERSION } } };
}

async function setSubdomain({ request, worker }) {
  worker.subdomain = await json(request);
  return worker.subdomain;
}

async function setCrons({ request, worker }) {
  worker.crons = (await json(request)).map(({ cron }) => cron);
  return {};
}

/** Reads a form with files. */
const formOf = (request) =>
  new Response(Readable.toWeb(request), { headers: request.headers }).formData();

/** [method, path, what is answered], by the documentation of the API; the group in a path is the name of a Worker. */
const ROUTES = [
  ["GET", /^\/workers\/scripts\/([\w-]+)\/secrets$/, listSecrets],
  ["PATCH", /^\/workers\/scripts\/([\w-]+)\/secrets-bulk$/, setSecrets],
  ["GET", /^\/workers\/services\/([\w-]+)$/, describe],
  ["GET", /^\/workers\/workers\/([\w-]+)$/, ({ worker }) => ({ subdomain: worker.subdomain })],
  ["GET", /^\/workers\/scripts\/([\w-]+)\/settings$/, ({ worker }) => worker.metadata],
  ["GET", /^\/workers\/scripts\/([\w-]+)\/deployments$/, () => ({ deployments: [] })],
  ["POST", /^\/workers\/scripts\/([\w-]+)\/assets-upload-session$/, takesUnknown(askForAssets)],
  ["POST", /^\/workers\/assets\/upload$/, takeAssets],
  ["GET", /^\/storage\/kv\/namespaces$/, ({ cloudflare }) => cloudflare.namespaces],
  ["POST", /^\/storage\/kv\/namespaces$/, addNamespace],
  ["PUT", /^\/workers\/scripts\/([\w-]+)$/, takesUnknown(upload)],
  // A later deployment, without new migrations, is a version first.
  ["POST", /^\/workers\/scripts\/([\w-]+)\/versions$/, upload],
  ["POST", /^\/workers\/scripts\/([\w-]+)\/deployments$/, () => ({})],
  ["PATCH", /^\/workers\/scripts\/([\w-]+)\/script-settings$/, () => ({})],
  ["GET", /^\/workers\/subdomain$/, () => ({ subdomain: SUBDOMAIN })],
  ["POST", /^\/workers\/scripts\/([\w-]+)\/subdomain$/, setSubdomain],
  ["PUT", /^\/workers\/scripts\/([\w-]+)\/schedules$/, setCrons],
];
