// Requests of the Fetch standard, for the adapters that are given them.

import { refusal } from "../core/engine.js";
import { binaryOf } from "../core/payload.js";
import type { Deadline } from "../receiver/deadline.js";
import type { EventReceiver } from "../receiver/receiver.js";
import { memberOf } from "./frameworks.js";

/** Answers a request whose body is read by whoever knows where it is. */
export async function answerRequest(
  { receive }: EventReceiver,
  request: Request,
  body: (limit: number, deadline: Deadline) => Promise<Uint8Array>,
): Promise<Response> {
  const answer = await receive({
    method: request.method,
    // Headers of the same name arrive joined by a comma (Fetch, "get"), which no signature holds.
    header: (name) => request.headers.get(name),
    declaredLength: request.headers.get("content-length"),
    body,
  });
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}

/** Reads the raw body of a request, at most `limit` bytes of it. */
export async function readBody(
  request: Request,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stream = memberOf(request, "body") as Request["body"] | undefined;
  if (memberOf(request, "bodyUsed") === true || stream?.locked)
    throw refusal("body_already_parsed");
  if (stream === null) return new Uint8Array();
  // Not every runtime has the body as a stream, and a middleware may have put a getter of its own there.
  if (typeof stream?.getReader !== "function") return readWhole(request, limit);
  const reader: ReadableStreamDefaultReader<unknown> = stream.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const part = await reader.read().catch(() => {
        throw refusal("incomplete_body");
      });
      if (part.done) return joined(chunks, length);
      const chunk = binaryOf(part.value);
      if (chunk === undefined) throw refusal("payload_not_raw");
      length += chunk.byteLength;
      if (length > limit) throw refusal("payload_too_large");
      chunks.push(chunk);
    }
  } catch (fault) {
    cancel();
    throw fault;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Reads a body that is no stream; that it is too long is seen after it was read. */
async function readWhole(request: Request, limit: number): Promise<Uint8Array> {
  if (typeof request.arrayBuffer !== "function") {
    throw refusal(
      "payload_not_raw",
      "the request has neither a `body` to read nor an `arrayBuffer`",
    );
  }
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.byteLength > limit) throw refusal("payload_too_large");
  return bytes;
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
