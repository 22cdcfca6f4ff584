import type { IncomingMessage, ServerResponse } from "node:http";
import { messageHandler, readBody } from "./message.js";
import { binaryOf, SIGNATURE_HEADER } from "./payload.js";
import type { ReceiverOptions } from "./receive.js";

export type { Context, ReceiverOptions } from "./receive.js";

/** A request as Express hands it on; a parser may have put the body into one of these. */
interface ExpressRequest extends IncomingMessage {
  body?: unknown;
  rawBody?: unknown;
}

/**
 * Receives events in a route of Express 4 or 5: `app.post("/webhooks/vtryon", vtryonWebhooks({ onEvent }))`.
 *
 * It reads the body by itself, or takes the bytes that `express.raw` or {@link captureRawBody} has kept.
 * The handler never rejects. Throws {@link WebhookError} for secrets or options that can't be used.
 */
export function vtryonWebhooks(
  options: ReceiverOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return messageHandler(options, (request: ExpressRequest, limit, deadline) => {
    const kept = binaryOf(request.rawBody) ?? binaryOf(request.body);
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
  if (request.headers[SIGNATURE_HEADER] !== undefined) (request as ExpressRequest).rawBody = bytes;
}
