import { createReceiver, type ReceiverOptions } from "../receiver/receiver.js";
import { handleRequest, readBody } from "./fetch-request.js";
import { isFetchRequest } from "./frameworks.js";
import { neverRejecting } from "./never-rejecting.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";

/**
 * Receives events with a handler that takes a `Request` and returns a `Response`: for Next.js, Workers, Deno, Bun.
 *
 * The handler never rejects. Throws {@link WebhookError} for options that can't be used.
 */
export function vtryonWebhooks(options: ReceiverOptions): (request: Request) => Promise<Response> {
  const receiver = createReceiver(options);
  return neverRejecting(receiver, "web", isFetchRequest, (request: Request) =>
    handleRequest(receiver, request, (limit, { signal }) => readBody(request, limit, signal)),
  );
}
