// A client of a gateway: posts events as Vtryon does, and asks the API as its administrator.

import { createHmac } from "node:crypto";
import { Agent, setGlobalDispatcher } from "undici";
import { checkApiAnswer } from "./api/api-document.js";

// Each request has a connection of its own: the runtime closes one that was idle for five seconds, and on a busy machine
// a request would meet one that is being closed.
setGlobalDispatcher(new Agent({ pipelining: 0 }));

export const SECRET = "whsec_test_current";
export const TOKEN = "admin-token-of-the-tests-0123456789abcdef";

/** Signs a body as Vtryon does. */
export function sign(body, secret = SECRET) {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** The body of a change of status. */
export function event(task_id, status, more = {}) {
  return JSON.stringify({ event: "generation.status_changed", task_id, status, ...more });
}

/** What a gateway can be asked, wherever it runs: at its `url`. */
export class Client {
  /** Posts an event, signed unless a signature is given. */
  post(body, { signature = sign(body), headers = {}, ...init } = {}) {
    const signed = signature === null ? headers : { "x-vtryon-signature": signature, ...headers };
    return fetch(`${this.url}/webhooks/vtryon`, { method: "POST", body, headers: signed, ...init });
  }

  /** Asks the API as its administrator; `json` is the body of the request. The answer is held to the document. */
  async api(path, { json, ...init } = {}) {
    const headers = { authorization: `Bearer ${TOKEN}`, ...init.headers };
    const body = json === undefined ? {} : { method: "POST", body: JSON.stringify(json) };
    const answer = await fetch(`${this.url}${path}`, { ...body, ...init, headers });
    const { status } = answer;
    const text = await answer.text();
    const method = init.method ?? body.method ?? "GET";
    checkApiAnswer(method, path, { status, headers: answer.headers, text });
    return { status, body: text === "" ? undefined : JSON.parse(text) };
  }

  /** Registers an endpoint; returns it with its secret. */
  async register(url, more = {}) {
    const { status, body } = await this.api("/api/endpoints", { json: { url, ...more } });
    // 202: it is stored, and not every shard has confirmed it within five seconds.
    if (![201, 202].includes(status))
      throw new Error(`not registered: ${status} ${JSON.stringify(body)}`);
    return body;
  }
}
