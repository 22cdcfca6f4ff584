// A caller of /api, with whatever credentials a test gives it, from an address of its own.

import { createHmac } from "node:crypto";
import { TOKEN } from "../gateway.js";
import { checkApiAnswer } from "./api-document.js";

export const MASTER = "0f".repeat(32);
export const COOKIE = "__Host-vtryon_session";
export const HOUR = 3600;
export const JSON_TYPE = { "content-type": "application/json" };

export const now = () => Math.floor(Date.now() / 1000);
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

/** A session as the gateway would sign it, opened by the admin token or by a token of an id. */
export function session(end, { token = TOKEN, master = MASTER, opener = "root" } = {}) {
  const key = hmac(hmac(Buffer.from(master, "hex"), "vtryon-webhooks session 1"), token);
  const claim = `${end}.${opener}`;
  return `${claim}.${hmac(key, claim).toString("hex")}`;
}

export const good = () => session(now() + HOUR);
export const flipped = (text) => text.replace(/.$/, (last) => (last === "0" ? "1" : "0"));

export const bearer = (token) => ({ authorization: `Bearer ${token}` });
export const cookie = (value, before = "") => ({ cookie: `${before}${COOKIE}=${value}` });

let clients = 0;
/** An address that nothing has come from yet: whoever is wrong there is wrong for the first time. */
export const elsewhere = () => {
  const nth = clients++;
  return `198.18.${nth >> 8}.${nth & 255}`;
};

/**
 * Sends a request from an address, and returns the answer with what its JSON says. An answer of the API is held to
 * the document.
 */
export async function ask(gateway, path, { from = elsewhere(), headers = {}, ...init } = {}) {
  const answer = await fetch(gateway.url + path, {
    ...init,
    headers: { "cf-connecting-ip": from, ...headers },
  });
  const text = await answer.text();
  if (path.startsWith("/api/")) {
    const { status, headers } = answer;
    checkApiAnswer(init.method ?? "GET", path, { status, headers, text });
  }
  const { error, message } = text === "" ? {} : JSON.parse(text);
  const cookie = answer.headers.get("set-cookie");
  return { status: answer.status, headers: answer.headers, error, message, cookie };
}

/** Signs in as a page would. */
export function signIn(gateway, token = TOKEN, more = {}) {
  const body = JSON.stringify({ token });
  return ask(gateway, "/api/session", { method: "POST", headers: JSON_TYPE, body, ...more });
}
