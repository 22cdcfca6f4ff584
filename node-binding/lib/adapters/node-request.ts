// Requests of node:http, for the adapters `node`, `express` and `fastify`.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { webhookError } from "../core/engine.js";
import type { Deadline } from "../receiver/deadline.js";
import {
  createReceiver,
  type IncomingRequest,
  type ReceiverOptions,
} from "../receiver/receiver.js";
import { isNodeRequest, isNodeResponse } from "./frameworks.js";
import { neverRejecting } from "./never-rejecting.js";
import { sendResponse } from "./responses.js";

/** How much of an unwanted body is still read, and for how long, so that its sender gets the answer. */
const DRAIN_BYTES = 4 * 1024 * 1024;
const DRAIN_MS = 5_000;

/** Makes the handler of an adapter. `readBody` reads the raw body of a request. */
export function nodeHandler(
  options: ReceiverOptions,
  adapter: string,
  readBody: (
    request: IncomingMessage,
    ...args: Parameters<IncomingRequest["readBody"]>
  ) => ReturnType<IncomingRequest["readBody"]>,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const receiver = createReceiver(options);
  const accepts = (request: unknown, response: unknown) =>
    isNodeRequest(request) && isNodeResponse(response);
  return neverRejecting(
    receiver,
    adapter,
    accepts,
    async (request: IncomingMessage, response: ServerResponse) => {
      const incoming = incomingRequest(request, (...args) => readBody(request, ...args));
      sendResponse(response, await receiver.receive(incoming));
      drain(request);
    },
  );
}

/** Describes a request for the receiver. */
export function incomingRequest(
  request: IncomingMessage,
  readBody: IncomingRequest["readBody"],
): IncomingRequest {
  return {
    method: request.method,
    // Node joins repeated headers with a comma, which no signature contains.
    header: (name) => request.headers[name],
    declaredLength: request.headers["content-length"],
    readBody,
  };
}

/** Reads the raw body of a request, at most `limit` bytes of it. */
export function readBody(
  request: IncomingMessage,
  limit: number,
  deadline: Deadline,
): Promise<Uint8Array> {
  if (!isStream(request)) {
    const message = "the request is no stream, and has no bytes in `rawBody` or `body`";
    throw webhookError("payload_not_raw", message);
  }
  // Bytes that something else has read are gone, and decoded text may differ from them.
  const isTaken = request.readableDidRead || request.listenerCount("readable") > 0;
  if (isTaken || request.readableEncoding !== null) {
    throw webhookError("body_already_parsed");
  }
  // Of HTTP/2, a request that was cut off before it is read ends like one with an empty body.
  if (request.aborted) throw webhookError("incomplete_body");
  // Something else has read to the end, and the body is empty.
  if (request.readableEnded) return Promise.resolve(new Uint8Array());
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const onData = (chunk: Uint8Array) => {
      length += chunk.byteLength;
      if (length <= limit && !deadline.isOver) {
        chunks.push(chunk);
      } else {
        // After the deadline the promise is no longer awaited, so the error does not matter.
        request.off("data", onData);
        chunks.length = 0;
        reject(webhookError("payload_too_large"));
      }
    };
    const onEnd = () =>
      resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks));
    const onClose = () => {
      if (!request.readableEnded) reject(webhookError("incomplete_body"));
    };
    // The listeners need no removal: each request has its own stream, and a promise settles once.
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    // A stream that was paused explicitly does not flow when a listener is added.
    request.resume();
    // A stream that has failed before emits nothing again.
    if (request.destroyed) onClose();
  });
}

/** Returns whether a body can be read from a request. Those of tests and cloud functions are often no streams. */
function isStream(request: IncomingMessage): boolean {
  const methods = ["on", "off", "resume", "listenerCount", "destroy"] as const;
  return methods.every((name) => typeof request[name] === "function");
}

/**
 * Reads and drops the rest of a request that was answered early. A connection that is closed with unread bytes is
 * reset, and its sender may not get the answer (RFC 9112, 9.6). It is bounded in bytes and time.
 */
export function drain(request: IncomingMessage): void {
  if (!isStream(request) || request.readableEnded || request.destroyed) return;
  let left = DRAIN_BYTES;
  const giveUp = () => endRequest(request);
  const timer = setTimeout(giveUp, DRAIN_MS).unref();
  request.on("data", (chunk: Uint8Array | string) => {
    left -= chunk.length;
    if (left < 0) giveUp();
  });
  request.on("close", () => clearTimeout(timer)).on("error", () => {});
  request.resume();
}

/** Ends a request whose body goes on. `destroy` of one of HTTP/2 leaves its stream open. */
function endRequest(request: IncomingMessage & Partial<Pick<Http2ServerRequest, "stream">>): void {
  if (typeof request.stream?.close === "function") request.stream.close();
  else request.destroy();
}
