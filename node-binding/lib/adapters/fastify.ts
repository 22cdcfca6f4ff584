import type { IncomingMessage } from "node:http";
import { webhookError } from "../core/engine.js";
import type { Deadline } from "../receiver/deadline.js";
import { ErrorReporter } from "../receiver/error-reporter.js";
import { createReceiver, type ReceiverOptions } from "../receiver/receiver.js";
import { isNodeRequest, readProperty } from "./frameworks.js";
import { answerMisuse, neverRejecting } from "./never-rejecting.js";
import { drain, incomingRequest, readBody } from "./node-request.js";
import { type FastifyReply, sendReply } from "./responses.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";
export type { FastifyReply } from "./responses.js";

/** The options of the plugin. */
export interface FastifyReceiverOptions extends ReceiverOptions {
  /** The path of the route, `/webhooks/vtryon` by default; a `prefix` of `register` comes before it. */
  path?: string | undefined;
}

/** What Fastify takes from the options of `register`, and passes on. */
const REGISTER_OPTIONS = ["prefix", "logLevel", "logSerializers"];

/** The part of Fastify's instance that is used. */
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

/** The part of Fastify's request that is used. */
export interface FastifyRequest {
  readonly raw: IncomingMessage;
}

/**
 * Receives events as a plugin of Fastify: `app.register(vtryonWebhooks, { onEvent })`.
 *
 * Its route has its own scope, in which no body is parsed; the parsers of other routes are not affected. Rejects with
 * {@link WebhookError} for options that can't be used, also for those that are meant for a hook `onRegister`.
 */
export async function vtryonWebhooks(
  scope: FastifyScope,
  options: FastifyReceiverOptions,
): Promise<void> {
  if (!isScope(scope)) return misuse(scope, options);
  const receiver = createReceiver(options, ["path", ...REGISTER_OPTIONS]);
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
  // Fastify refuses malformed content types. The signature covers the body alone, so the type does not matter.
  scope.addHook("onRequest", ({ raw }, _reply, done) => {
    raw.headers["content-type"] = "application/octet-stream";
    done();
  });
  scope.all(
    options.path ?? "/webhooks/vtryon",
    neverRejecting(
      receiver,
      "fastify",
      (request) => isNodeRequest(readProperty(request, "raw")),
      async ({ raw }: FastifyRequest, reply: FastifyReply) => {
        const read = (limit: number, deadline: Deadline) => readBody(raw, limit, deadline);
        sendReply(reply, await receiver.receive(incomingRequest(raw, read)));
        drain(raw);
        return reply;
      },
    ),
  );
}

/** Returns whether a value is an instance of Fastify. */
function isScope(value: unknown): boolean {
  const methods = ["removeAllContentTypeParsers", "addContentTypeParser", "addHook", "all"];
  return methods.every((name) => typeof readProperty(value, name) === "function");
}

/** Answers if the plugin is used as a handler, and throws if it is called with options like the other adapters. */
function misuse(first: unknown, second: unknown): void {
  if (first !== undefined && typeof readProperty(first, "onEvent") !== "function") {
    const reporter = new ErrorReporter(undefined);
    answerMisuse((error) => reporter.report(error, "unverified"), "fastify", [first, second]);
    return;
  }
  throw webhookError(
    "invalid_option",
    "`vtryon-webhooks/fastify` is a plugin: `app.register(vtryonWebhooks, { onEvent })`",
  );
}
