// Messages of node:http, for the adapters that are given them.

import type { IncomingMessage, ServerResponse } from "node:http";
import { refusal } from "../core/engine.js";
import type { Answer } from "../receiver/answer.js";
import type { Deadline } from "../receiver/deadline.js";
import { type Delivery, type ReceiverOptions, receiver } from "../receiver/receiver.js";
import { isNodeRequest, isNodeResponse } from "./frameworks.js";
import { neverRejecting } from "./never-rejecting.js";

/** How much of a body that nobody wants is still taken, and for how long, so that its sender reads the answer. */
const DRAIN_BYTES = 4 * 1024 * 1024;
const DRAIN_MS = 5_000;

/** Makes an adapter's handler of requests whose body is read by `body`. */
export function messageHandler(
  options: ReceiverOptions,
  adapter: string,
  body: (
    request: IncomingMessage,
    ...how: Parameters<Delivery["body"]>
  ) => ReturnType<Delivery["body"]>,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const events = receiver(options);
  const takes = (request: unknown, response: unknown) =>
    isNodeRequest(request) && isNodeResponse(response);
  return neverRejecting(
    events,
    adapter,
    takes,
    async (request: IncomingMessage, response: ServerResponse) => {
      const delivery = deliveryOf(request, (limit, deadline) => body(request, limit, deadline));
      send(response, await events.receive(delivery));
      drain(request);
    },
  );
}

/** Describes a request to the receiver. */
export function deliveryOf(request: IncomingMessage, body: Delivery["body"]): Delivery {
  return {
    method: request.method,
    // Lines of the same name are joined by a comma, which no signature holds.
    header: (name) => request.headers[name],
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
  if (!isStream(request)) {
    const message = "the request is no stream, and has no bytes in `rawBody` or `body`";
    throw refusal("payload_not_raw", message);
  }
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
      if (!request.readableEnded) reject(refusal("incomplete_body"));
    };
    // They stay: each request is a stream of its own, and a promise is settled once.
    request.on("data", take).on("end", end).on("close", cut).on("error", cut);
    // One that was paused on purpose flows for no listener.
    request.resume();
    // One that had failed before tells nobody again.
    if (request.destroyed) cut();
  });
}

/** Tells whether a body can be read from a request; one that tests or cloud functions make is often none. */
function isStream(request: IncomingMessage): boolean {
  const methods = ["on", "off", "resume", "listenerCount", "destroy"] as const;
  return methods.every((name) => typeof request[name] === "function");
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
  if (!isStream(request) || request.readableEnded || request.destroyed) return;
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
