import type { IncomingMessage } from "node:http";
import type { Deadline } from "./deadline.js";
import { deliveryOf, drain, readBody } from "./message.js";
import { type ReceiverOptions, receiver } from "./receive.js";

export type { Context, ReceiverOptions } from "./receive.js";

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
 * are. Rejects with {@link WebhookError} for secrets or options that can't be used.
 */
export async function vtryonWebhooks(
  scope: FastifyScope,
  options: FastifyReceiverOptions,
): Promise<void> {
  const receive = receiver(options);
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
  // Fastify refuses a content type that it can't read. What was signed is the body; the type says nothing.
  scope.addHook("onRequest", ({ raw }, _reply, done) => {
    raw.headers["content-type"] = "application/octet-stream";
    done();
  });
  scope.all(options.path ?? "/webhooks/vtryon", async ({ raw }, reply) => {
    const body = (limit: number, deadline: Deadline) => readBody(raw, limit, deadline);
    const { status, headers, body: text } = await receive(deliveryOf(raw, body));
    reply
      .code(status)
      .headers({ ...headers })
      .send(text);
    drain(raw);
    return reply;
  });
}
