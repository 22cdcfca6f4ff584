import { webhookError } from "../core/engine.js";
import { readOption } from "../core/options.js";
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
  options: RequestOptions = {},
): Request {
  const url = readOption(options, "url") ?? "http://localhost/webhooks/vtryon";
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

function parseUrl(url: unknown): URL {
  let target: URL;
  try {
    target = new URL(url as string | URL);
  } catch {
    throw webhookError("invalid_option", "`url` is not an absolute URL");
  }
  // `Request` takes none.
  if (target.username === "" && target.password === "") return target;
  throw webhookError("invalid_option", "`url` has a name or a password");
}
