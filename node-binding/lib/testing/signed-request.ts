import { webhookError } from "../core/engine.js";
import { checkOptions, readOption } from "../core/options.js";
import { type Payload, payloadBytes, SIGNATURE_HEADER } from "../core/payload.js";
import { utf8Encoder } from "../core/utf8.js";
import { sign } from "../verifier/sign.js";
import { type Scheme, schemeOptionsOf, timeOf } from "../verifier/standard-webhooks.js";
import { messageHeaders } from "./message-headers.js";

/** The options of a signed request. */
export interface RequestOptions {
  /** The URL: by default `http://localhost/webhooks/vtryon`. */
  url?: string | URL | undefined;
  /**
   * `vtryon` by default. With `standard-webhooks` it is signed as a gateway signs, which is both ways, by the secret of
   * its endpoint.
   */
  scheme?: Scheme | undefined;
  /** With `standard-webhooks`: the value of `webhook-id`, by default `msg_test`. */
  webhookId?: string | undefined;
  /** With `standard-webhooks`: the clock, in milliseconds since 1970. */
  now?: (() => number) | undefined;
}

/**
 * Creates the `Request` that Vtryon or a gateway would send, for `fetch` and for handlers that take one. An object is
 * serialised as JSON, strings and bytes are sent unchanged.
 *
 * Throws `invalid_option`, and the codes that begin with `secret_`.
 */
export function signedRequest(
  event: object | Payload,
  secret: string,
  options: RequestOptions = {},
): Request {
  checkOptions(options, ["url", "scheme", "webhookId", "now"]);
  const { scheme, now = Date.now } = schemeOptionsOf(options);
  const webhookId = readOption(options, "webhookId");
  if (scheme === "vtryon" && webhookId !== undefined) {
    // Ignored, it would leave its user believing that the request is of a gateway.
    const message = '`webhookId` is of the scheme "standard-webhooks": Vtryon sends no id';
    throw webhookError("invalid_option", message);
  }
  const url = readOption(options, "url") ?? "http://localhost/webhooks/vtryon";
  const body = payloadBytes(event) ?? serialise(event);
  const headers = {
    "content-type": "application/json",
    [SIGNATURE_HEADER]: sign(body, secret),
    ...(scheme === "standard-webhooks" &&
      messageHeaders(body, secret, webhookId ?? "msg_test", timeOf(now))),
  };
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
