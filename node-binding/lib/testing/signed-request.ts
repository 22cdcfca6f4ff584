import { webhookError } from "../core/engine.js";
import { type Payload, payloadBytes, SIGNATURE_HEADER } from "../core/payload.js";
import { utf8Encoder } from "../core/utf8.js";
import { sign } from "../verifier/sign.js";

/** The options of a signed request. */
export interface RequestOptions {
  /** The URL: by default `http://localhost/webhooks/vtryon`. */
  url?: string | URL | undefined;
}

/**
 * Creates the `Request` that Vtryon would send, for `fetch` and for handlers that take one. An object is serialised
 * as JSON, strings and bytes are sent unchanged.
 *
 * Throws `invalid_option`, and the codes that begin with `secret_`.
 */
export function signedRequest(
  event: object | Payload,
  secret: string,
  { url = "http://localhost/webhooks/vtryon" }: RequestOptions = {},
): Request {
  const body = payloadBytes(event) ?? serialise(event);
  const headers = { "content-type": "application/json", [SIGNATURE_HEADER]: sign(body, secret) };
  return new Request(parseUrl(url), { method: "POST", headers, body: body as BodyInit });
}

/** Serialises a value as JSON in UTF-8. */
function serialise(event: unknown): Uint8Array {
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

function parseUrl(url: string | URL): URL {
  try {
    return new URL(url);
  } catch {
    throw webhookError("invalid_option", "`url` is not an absolute URL");
  }
}
