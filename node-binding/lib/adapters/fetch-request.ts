// Requests of the Fetch standard, for the adapters `web` and `hono`.

import { webhookError } from "../core/engine.js";
import { binaryView } from "../core/payload.js";
import type { Deadline } from "../receiver/deadline.js";
import type { EventReceiver } from "../receiver/receiver.js";
import { readProperty } from "./frameworks.js";

/** Receives a request and returns the response. */
export async function handleRequest(
  { receive }: EventReceiver,
  request: Request,
  readBody: (limit: number, deadline: Deadline) => Promise<Uint8Array>,
): Promise<Response> {
  const answer = await receive({
    method: request.method,
    // `get` joins repeated headers with a comma, which no signature contains.
    header: (name) => request.headers.get(name),
    declaredLength: request.headers.get("content-length"),
    readBody,
  });
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}

/** Reads the raw body of a request, at most `limit` bytes of it. */
export async function readBody(
  request: Request,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stream = readProperty(request, "body") as Request["body"] | undefined;
  if (readProperty(request, "bodyUsed") === true || stream?.locked)
    throw webhookError("body_already_parsed");
  if (stream === null) return new Uint8Array();
  // Some runtimes have no stream, and middleware may have replaced `body`.
  if (typeof stream?.getReader !== "function") return readArrayBuffer(request, limit);
  const reader: ReadableStreamDefaultReader<unknown> = stream.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const part = await orIncomplete(reader.read());
      if (part.done) return concat(chunks, length);
      const chunk = binaryView(part.value);
      if (chunk === undefined) throw webhookError("payload_not_raw");
      length += chunk.byteLength;
      if (length > limit) throw webhookError("payload_too_large");
      chunks.push(chunk);
    }
  } catch (error) {
    cancel();
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Reads a body that is no stream. Its length is known only after it was read. */
async function readArrayBuffer(request: Request, limit: number): Promise<Uint8Array> {
  if (typeof request.arrayBuffer !== "function") {
    throw webhookError(
      "payload_not_raw",
      "the request has neither a `body` to read nor an `arrayBuffer`",
    );
  }
  const bytes = new Uint8Array(await orIncomplete(request.arrayBuffer()));
  if (bytes.byteLength > limit) throw webhookError("payload_too_large");
  return bytes;
}

/** Waits for bytes; a body that broke off is refused as `incomplete_body`. */
export function orIncomplete<T>(reading: Promise<T>): Promise<T> {
  return reading.catch(() => {
    throw webhookError("incomplete_body");
  });
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}
