// The part of Cloudflare's API that lists and sets secrets.

import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { emitted } from "../../support/wait.js";

export class FakeCloudflare {
  /** The secrets of the Worker, by name. */
  secrets = new Map();
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

  async #answer(request, response) {
    this.requests.push(`${request.method} ${request.url}`);
    const reply = (status, body) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ success: status < 400, errors: [], messages: [], ...body }));
    };
    const isSecrets = /\/workers\/scripts\/vtryon-webhooks\/secrets(-bulk)?(\?|$)/.test(
      request.url,
    );
    if (isSecrets && request.method === "GET") {
      const result = [...this.secrets.keys()].map((name) => ({ name, type: "secret_text" }));
      return reply(200, { result });
    }
    if (isSecrets) {
      const body = await json(request);
      for (const { name, text } of Object.values(body.secrets ?? body))
        this.secrets.set(name, text);
      return reply(200, { result: {} });
    }
    reply(400, { errors: [{ code: 1000, message: `no ${request.method} ${request.url} here` }] });
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
