import { webhookError } from "../core/engine.js";
import { type Payload, payloadBytes, SIGNATURE_HEADER } from "../core/payload.js";
import { utf8Encoder } from "../core/utf8.js";
import { sign } from "../verifier/sign.js";

/** How a request differs from the plain one. */
export interface RequestOptions {
  /** Where it goes: by default `http://localhost/webhooks/vtryon`. */
  url?: string | URL | undefined;
}

/**
 * Makes the request that Vtryon would send: an object is written as JSON, text and bytes are sent as they
 * are. It is a `Request` of the platform, for handlers that take one and for `fetch`.
 *
 * Throws `invalid_option`, and the codes of the secret.
 */
export function signedRequest(
  event: object | Payload,
  secret: string,
  { url = "http://localhost/webhooks/vtryon" }: RequestOptions = {},
): Request {
  const body = payloadBytes(event) ?? written(event);
  const headers = { "content-type": "application/json", [SIGNATURE_HEADER]: sign(body, secret) };
  return new Request(absolute(url), { method: "POST", headers, body: body as BodyInit });
}

/** Writes a value as UTF-8 JSON. */
function written(event: unknown): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(event);
  } catch {
    // A cycle, a BigInt, a `toJSON` that throws.
  }
  if (text === undefined) {
    throw webhookError(
      "invalid_option",
      "`event` is neither bytes nor text and can't be written as JSON",
    );
  }
  return utf8Encoder().encode(text);
}

function absolute(url: string | URL): URL {
  try {
    return new URL(url);
  } catch {
    throw webhookError("invalid_option", "`url` is not an absolute URL");
  }
}
