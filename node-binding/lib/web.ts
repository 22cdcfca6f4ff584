import type { ReceiverOptions } from "./receive.js";
import { readBody, requestReceiver } from "./request.js";

export type { Context, ReceiverOptions } from "./receive.js";

/**
 * Receives events where a handler takes a `Request` and returns a `Response`: Next.js, Workers, Deno, Bun.
 *
 * The handler never rejects. Throws {@link WebhookError} for secrets or options that can't be used.
 */
export function vtryonWebhooks(options: ReceiverOptions): (request: Request) => Promise<Response> {
  const receive = requestReceiver(options);
  return (request) => receive(request, (limit, { signal }) => readBody(request, limit, signal));
}
