import type { IncomingMessage, ServerResponse } from "node:http";
import { binaryView, SIGNATURE_HEADER } from "../core/payload.js";
import type { ReceiverOptions } from "../receiver/receiver.js";
import { MESSAGE_SIGNATURE_HEADER } from "../verifier/standard-webhooks.js";
import { readProperty } from "./frameworks.js";
import { nodeHandler, readBody } from "./node-request.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";

/**
 * Receives events in a route of Express 4 or 5: `app.post("/webhooks/vtryon", vtryonWebhooks({ onEvent }))`.
 *
 * It reads the body itself, or uses the bytes that `express.raw` or {@link captureRawBody} has stored.
 * The handler never rejects. Throws {@link WebhookError} for options that can't be used.
 */
export function vtryonWebhooks(
  options: ReceiverOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return nodeHandler(options, "express", (request, limit, deadline) => {
    // Where body parsers store the raw bytes.
    const stored =
      binaryView(readProperty(request, "rawBody")) ?? binaryView(readProperty(request, "body"));
    return stored ?? readBody(request, limit, deadline);
  });
}

/**
 * Stores the raw bytes of signed requests, for apps in which `express.json` parses every body:
 * `app.use(express.json({ verify: captureRawBody }))`.
 */
export function captureRawBody(
  request: IncomingMessage,
  _response: ServerResponse,
  bytes: Uint8Array,
): void {
  const isSigned = [SIGNATURE_HEADER, MESSAGE_SIGNATURE_HEADER].some(
    (name) => name in request.headers,
  );
  if (isSigned) Object.assign(request, { rawBody: bytes });
}
