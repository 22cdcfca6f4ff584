import type { IncomingMessage, ServerResponse } from "node:http";
import type { ReceiverOptions } from "../receiver/receiver.js";
import { nodeHandler, readBody } from "./node-request.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";

/**
 * Receives events with `node:http`: `createServer(vtryonWebhooks({ onEvent }))`. The caller routes paths.
 *
 * The handler never rejects. Throws {@link WebhookError} for options that can't be used.
 */
export function vtryonWebhooks(
  options: ReceiverOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return nodeHandler(options, "node", readBody);
}
