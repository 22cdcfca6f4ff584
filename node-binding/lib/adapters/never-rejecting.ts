// Makes the adapters' handlers answer and report every error instead of rejecting.

import type { ServerResponse } from "node:http";
import { webhookError } from "../core/engine.js";
import { type Answer, errorAnswer, misuseAnswer } from "../receiver/answer.js";
import type { EventReceiver } from "../receiver/receiver.js";
import { adviceFor, isNodeResponse, readProperty } from "./frameworks.js";
import { type FastifyReply, sendReply, sendResponse } from "./responses.js";

/**
 * Makes a handler that never rejects. Arguments of another framework are answered 500, with a hint at the right
 * adapter. Errors that `handle` throws are reported and answered.
 */
export function neverRejecting<Args extends [unknown, unknown?], Result>(
  { report }: Pick<EventReceiver, "report">,
  adapter: string,
  accepts: (first: unknown, second: unknown) => boolean,
  handle: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  // With named parameters: Deno passes no request to a function whose `length` is 0.
  const handler = async (first?: unknown, second?: unknown): Promise<unknown> => {
    const args = [first, second];
    try {
      if (accepts(first, second)) return await handle(...(args as Args));
    } catch (error) {
      report(error);
      return respond(errorAnswer(error), args);
    }
    return answerMisuse(report, adapter, args);
  };
  return handler as (...args: Args) => Promise<Result>;
}

/** Reports and answers that a handler got arguments of another framework. */
export function answerMisuse(
  report: EventReceiver["report"],
  adapter: string,
  args: readonly unknown[],
): unknown {
  const message = `this is the adapter \`vtryon-webhooks/${adapter}\`: ${adviceFor(args[0])}`;
  report(webhookError("invalid_option", message));
  return respond(misuseAnswer(message), args);
}

/** Answers by the response among the arguments: one of Fastify, one of node:http, or a returned `Response`. */
function respond(answer: Answer, [first, second]: readonly unknown[]): unknown {
  try {
    const isReply = ["code", "headers", "send"].every(
      (name) => typeof readProperty(second, name) === "function",
    );
    if (isReply) return sendReply(second as FastifyReply, answer);
    const response = [
      second,
      readProperty(first, "res"),
      readProperty(readProperty(first, "node"), "res"),
    ].find(isNodeResponse) as ServerResponse | undefined;
    if (response !== undefined) return sendResponse(response, answer);
    const { status, headers, body } = answer;
    return new Response(body, { status, headers });
  } catch {
    // The response has thrown.
    return undefined;
  }
}
