// What keeps the handlers of all adapters from rejecting, whatever they are given.

import type { ServerResponse } from "node:http";
import { refusal } from "../core/engine.js";
import { type Answer, misused, refused } from "../receiver/answer.js";
import type { EventReceiver } from "../receiver/receiver.js";
import { adviceFor, isNodeResponse, memberOf } from "./frameworks.js";

/** What is needed of Fastify's reply. */
interface Reply {
  code(status: number): this;
  headers(headers: Record<string, string>): this;
  send(body: string): unknown;
}

/**
 * Makes a handler that never rejects: what the adapter does not take is answered 500 with the adapter that does,
 * and what fails beside the flow of the receiver is reported and answered 503.
 */
export function neverRejecting<Args extends [unknown, unknown?], Result>(
  { report }: Pick<EventReceiver, "report">,
  adapter: string,
  takes: (first: unknown, second: unknown) => boolean,
  handle: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  // With parameters of its own: Deno passes no request to a handler that names none.
  const handler = async (first?: unknown, second?: unknown): Promise<unknown> => {
    const args = [first, second];
    try {
      if (takes(first, second)) return await handle(...(args as Args));
    } catch (fault) {
      report(fault);
      return respond(refused(fault), args);
    }
    return answerMisuse(report, adapter, args);
  };
  return handler as (...args: Args) => Promise<Result>;
}

/** Reports and answers that a handler was given what its adapter does not take. */
export function answerMisuse(
  report: EventReceiver["report"],
  adapter: string,
  args: readonly unknown[],
): unknown {
  const message = `this is the adapter \`vtryon-webhooks/${adapter}\`: ${adviceFor(args[0])}`;
  report(refusal("invalid_option", message));
  return respond(misused(message), args);
}

/** Answers by what there is: a response of node:http where one was passed, else one that is returned. */
function respond({ status, headers, body }: Answer, [first, second]: readonly unknown[]): unknown {
  try {
    const isReply = ["code", "headers", "send"].every(
      (name) => typeof memberOf(second, name) === "function",
    );
    if (isReply)
      return (second as Reply)
        .code(status)
        .headers({ ...headers })
        .send(body);
    const response = [
      second,
      memberOf(first, "res"),
      memberOf(memberOf(first, "node"), "res"),
    ].find(isNodeResponse) as ServerResponse | undefined;
    if (response === undefined) return new Response(body, { status, headers });
    if (response.headersSent || response.destroyed) return undefined;
    response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
    response.end(body);
  } catch {
    // What was passed to answer by does not work.
  }
  return undefined;
}
