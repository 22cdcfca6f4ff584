import { callCore, webhookError } from "../core/engine.js";
import { utf8Encoder } from "../core/utf8.js";
import { secretBytes } from "../verifier/secrets.js";
import { hmac, sha256 } from "./hostile/hashes.js";

/**
 * Returns the headers of Standard Webhooks for a body, with a secret of `whsec_` and base64. `now` is the time in
 * milliseconds since 1970. Throws `invalid_option`, and the codes that begin with `secret_`.
 */
export function messageHeaders(
  body: Uint8Array,
  secret: string,
  id: unknown,
  now: number,
): Record<string, string> {
  if (typeof id !== "string" || !/^[\x21-\x7e]+$/.test(id)) {
    throw webhookError("invalid_option", "`webhookId` is not a text of visible ASCII characters");
  }
  const text = secretBytes(secret);
  callCore((core) => core.checkSecret(text, true));
  const base64 = String.fromCharCode(...text.subarray("whsec_".length));
  const key = Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
  const timestamp = Math.floor(now / 1000);
  const head = utf8Encoder().encode(`${id}.${timestamp}.`);
  const message = new Uint8Array(head.length + body.length);
  message.set(head);
  message.set(body, head.length);
  // By the library, since the core has no function for it: receivers only verify.
  const signature = btoa(String.fromCharCode(...hmac(sha256, key, message)));
  return {
    "webhook-id": id,
    "webhook-timestamp": `${timestamp}`,
    "webhook-signature": `v1,${signature}`,
  };
}
