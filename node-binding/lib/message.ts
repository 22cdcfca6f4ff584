// Messages of node:http, for the adapters that are given them.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "./answer.js";
import type { Deadline } from "./deadline.js";
import { refusal } from "./engine.js";
import { SIGNATURE_HEADER } from "./payload.js";
import { cutOff, type Delivery, type ReceiverOptions, receiver } from "./receive.js";

/** How much of a body that nobody wants is still taken, and for how long, so that its sender reads the answer. */
const DRAIN_BYTES = 4 * 1024 * 1024;
const DRAIN_MS = 5_000;

/** Makes a handler of requests whose body is read by `body`. */
export function messageHandler<Request extends IncomingMessage>(
  options: ReceiverOptions,
  body: (request: Request, ...how: Parameters<Delivery["body"]>) => ReturnType<Delivery["body"]>,
): (request: Request, response: ServerResponse) => Promise<void> {
  const receive = receiver(options);
  return async (request, response) => {
    const delivery = deliveryOf(request, (limit, deadline) => body(request, limit, deadline));
    send(response, await receive(delivery));
    drain(request);
  };
}

/** Describes a request to the receiver. */
export function deliveryOf(request: IncomingMessage, body: Delivery["body"]): Delivery {
  return {
    method: request.method,
    // Lines of the same name are joined by a comma, which no signature holds.
    signature: request.headers[SIGNATURE_HEADER],
    declaredLength: request.headers["content-length"],
    body,
  };
}

/** Reads the raw body of a request, at most `limit` bytes of it. */
export function readBody(
  request: IncomingMessage,
  limit: number,
  deadline: Deadline,
): Promise<Uint8Array> {
  // What was read before is gone, and a text is not what came.
  const isTaken = request.readableDidRead || request.listenerCount("readable") > 0;
  if (isTaken || request.readableEncoding !== null) {
    throw refusal("body_already_parsed");
  }
  // Something has read to the end, and there was nothing.
  if (request.readableEnded) return Promise.resolve(new Uint8Array());
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const take = (chunk: Uint8Array) => {
      length += chunk.byteLength;
      if (length <= limit && !deadline.isOver) {
        chunks.push(chunk);
      } else {
        // After the deadline nobody waits for the reason.
        request.off("data", take);
        chunks.length = 0;
        reject(refusal("payload_too_large"));
      }
    };
    const end = () =>
      resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks));
    const cut = () => {
      if (!request.readableEnded) reject(cutOff());
    };
    // They stay: each request is a stream of its own, and a promise is settled once.
    request.on("data", take).on("end", end).on("close", cut).on("error", cut);
    // One that was paused on purpose flows for no listener.
    request.resume();
    // One that had failed before tells nobody again.
    if (request.destroyed) cut();
  });
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Takes the rest of a request that was answered early. A connection that is closed over unread bytes is
 * reset, and its sender may never see the answer (RFC 9112, 9.6); but it does not go on for ever.
 */
export function drain(request: IncomingMessage): void {
  if (request.readableEnded || request.destroyed) return;
  let left = DRAIN_BYTES;
  const giveUp = () => request.destroy();
  const timer = setTimeout(giveUp, DRAIN_MS).unref();
  request.on("data", (chunk: Uint8Array | string) => {
    left -= chunk.length;
    if (left < 0) giveUp();
  });
  request.on("close", () => clearTimeout(timer)).on("error", () => {});
  request.resume();
}
