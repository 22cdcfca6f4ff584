import type { IncomingMessage } from "node:http";
import { refusal } from "../core/engine.js";
import type { Deadline } from "../receiver/deadline.js";
import { FaultLog } from "../receiver/fault-log.js";
import { type ReceiverOptions, receiver } from "../receiver/receiver.js";
import { isNodeRequest, memberOf } from "./frameworks.js";
import { answerMisuse, neverRejecting } from "./never-rejecting.js";
import { deliveryOf, drain, readBody } from "./node-request.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";

/** How events are received, and where. */
export interface FastifyReceiverOptions extends ReceiverOptions {
  /** The path of the route, `/webhooks/vtryon` by default; a `prefix` of `register` comes before it. */
  path?: string | undefined;
}

/** What is needed of Fastify's instance. */
export interface FastifyScope {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  addHook(
    name: "onRequest",
    hook: (request: FastifyRequest, reply: unknown, done: () => void) => void,
  ): unknown;
  all(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown): unknown;
}

/** What is needed of Fastify's request. */
export interface FastifyRequest {
  readonly raw: IncomingMessage;
}

/** What is needed of Fastify's reply. */
export interface FastifyReply {
  code(status: number): this;
  headers(headers: Record<string, string>): this;
  send(body: string): this;
}

/**
 * Receives events as a plugin of Fastify: `app.register(vtryonWebhooks, { onEvent })`.
 *
 * Its route is in a scope of its own, in which no body is parsed; the parsers of other routes stay as they
 * are. Rejects with {@link WebhookError} for options that can't be used.
 */
export async function vtryonWebhooks(
  scope: FastifyScope,
  options: FastifyReceiverOptions,
): Promise<void> {
  if (!isScope(scope)) return misuse(scope, options);
  const events = receiver(options);
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
  // Fastify refuses a content type that it can't read. What was signed is the body; the type says nothing.
  scope.addHook("onRequest", ({ raw }, _reply, done) => {
    raw.headers["content-type"] = "application/octet-stream";
    done();
  });
  scope.all(
    options.path ?? "/webhooks/vtryon",
    neverRejecting(
      events,
      "fastify",
      (request) => isNodeRequest(memberOf(request, "raw")),
      async ({ raw }: FastifyRequest, reply: FastifyReply) => {
        const body = (limit: number, deadline: Deadline) => readBody(raw, limit, deadline);
        const { status, headers, body: text } = await events.receive(deliveryOf(raw, body));
        reply
          .code(status)
          .headers({ ...headers })
          .send(text);
        drain(raw);
        return reply;
      },
    ),
  );
}

/** Tells whether a value is an instance of Fastify. */
function isScope(value: unknown): boolean {
  const methods = ["removeAllContentTypeParsers", "addContentTypeParser", "addHook", "all"];
  return methods.every((name) => typeof memberOf(value, name) === "function");
}

/** The plugin is also passed where a handler is needed, or called with options as the other adapters are. */
function misuse(first: unknown, second: unknown): void {
  if (first !== undefined && typeof memberOf(first, "onEvent") !== "function") {
    const log = new FaultLog(undefined);
    answerMisuse((fault) => log.report(fault, "unverified"), "fastify", [first, second]);
    return;
  }
  throw refusal(
    "invalid_option",
    "`vtryon-webhooks/fastify` is a plugin: `app.register(vtryonWebhooks, { onEvent })`",
  );
}
