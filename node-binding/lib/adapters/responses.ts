// Sends an answer by what a framework responds with.

import type { ServerResponse } from "node:http";
import type { Answer } from "../receiver/answer.js";

/** The part of Fastify's reply that is used. */
export interface FastifyReply {
  code(status: number): this;
  headers(headers: Record<string, string>): this;
  send(body: string): unknown;
}

/** Answers by a reply of Fastify. */
export function sendReply(reply: FastifyReply, { status, headers, body }: Answer): unknown {
  return reply
    .code(status)
    .headers({ ...headers })
    .send(body);
}

/** Answers by a response of `node:http`, unless something else has answered already. */
export function sendResponse(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}
