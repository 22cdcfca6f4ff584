import type { IncomingMessage, ServerResponse } from "node:http";
import { binaryOf, SIGNATURE_HEADER } from "../core/payload.js";
import type { ReceiverOptions } from "../receiver/receiver.js";
import { MESSAGE_SIGNATURE_HEADER } from "../verifier/standard-webhooks.js";
import { memberOf } from "./frameworks.js";
import { messageHandler, readBody } from "./node-request.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";

/**
 * Receives events in a route of Express 4 or 5: `app.post("/webhooks/vtryon", vtryonWebhooks({ onEvent }))`.
 *
 * It reads the body by itself, or takes the bytes that `express.raw` or {@link captureRawBody} has kept.
 * The handler never rejects. Throws {@link WebhookError} for options that can't be used.
 */
export function vtryonWebhooks(
  options: ReceiverOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return messageHandler(options, "express", (request, limit, deadline) => {
    // A parser may have put the bytes into one of these.
    const kept = binaryOf(memberOf(request, "rawBody")) ?? binaryOf(memberOf(request, "body"));
    return kept ?? readBody(request, limit, deadline);
  });
}

/**
 * Keeps the bytes of signed requests where `express.json` parses every body:
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
