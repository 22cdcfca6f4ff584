import { type ReceiverOptions, receiver } from "../receiver/receiver.js";
import { answerRequest, readBody } from "./fetch-request.js";
import { isFetchRequest } from "./frameworks.js";
import { neverRejecting } from "./never-rejecting.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";

/**
 * Receives events where a handler takes a `Request` and returns a `Response`: Next.js, Workers, Deno, Bun.
 *
 * The handler never rejects. Throws {@link WebhookError} for options that can't be used.
 */
export function vtryonWebhooks(options: ReceiverOptions): (request: Request) => Promise<Response> {
  const events = receiver(options);
  return neverRejecting(events, "web", isFetchRequest, (request: Request) =>
    answerRequest(events, request, (limit, { signal }) => readBody(request, limit, signal)),
  );
}
