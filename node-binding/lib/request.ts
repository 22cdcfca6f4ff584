// Requests of the Fetch standard, for the adapters that are given them.

import type { Deadline } from "./deadline.js";
import { refusal } from "./engine.js";
import { WebhookError } from "./error.js";
import { binaryOf, SIGNATURE_HEADER } from "./payload.js";
import { cutOff, type ReceiverOptions, receiver } from "./receive.js";

/** Makes a receiver of requests whose body is read by whoever knows where it is. */
export function requestReceiver(
  options: ReceiverOptions,
): (
  request: Request,
  body: (limit: number, deadline: Deadline) => Promise<Uint8Array>,
) => Promise<Response> {
  const receive = receiver(options);
  return async (request, body) => {
    const {
      status,
      headers,
      body: text,
    } = await receive({
      method: request.method,
      // Headers of the same name arrive joined by a comma (Fetch, "get"), which no signature holds.
      signature: request.headers.get(SIGNATURE_HEADER),
      declaredLength: request.headers.get("content-length"),
      body,
    });
    return new Response(text, { status, headers });
  };
}

/** Reads the raw body of a request, at most `limit` bytes of it. */
export async function readBody(
  request: Request,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (request.bodyUsed || request.body?.locked) throw refusal("body_already_parsed");
  if (request.body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<unknown> = request.body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const chunk = binaryOf(part.value);
      if (chunk === undefined) throw refusal("payload_not_raw");
      length += chunk.byteLength;
      if (length > limit) throw refusal("payload_too_large");
      chunks.push(chunk);
    }
    return joined(chunks, length);
  } catch (fault) {
    cancel();
    if (WebhookError.is(fault)) throw fault;
    throw cutOff();
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}
