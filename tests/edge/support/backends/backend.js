// A shop's backend on loopback: it answers as the test sets it, and records the requests.

import { createServer } from "node:http";

/** Ways to answer; each is given the exchange and may answer later, or never. */
export const ANSWERS = {
  ok: ({ response }) => response.end("ok"),
  fail: ({ response }) => response.writeHead(500).end("broken"),
  gone: ({ response }) => response.writeHead(410).end(),
  unauthorized: ({ response }) => response.writeHead(401).end("who are you"),
  redirect: ({ response }) => response.writeHead(302, { location: "/elsewhere" }).end(),
  hang: () => {},
  close: ({ request }) => request.socket.destroy(),
  /** The status comes at once, the body never ends. */
  drip: ({ response }) => response.writeHead(200).write("d"),
};

export class Backend {
  #server;
  #sockets = new Set();

  /** What was received, in order: `{ path, headers, body }`, the body as bytes. */
  received = [];

  /** How to answer: a name of ANSWERS, or a function of the exchange. */
  answer = "ok";

  static async start(answer = "ok") {
    const backend = new Backend();
    backend.answer = answer;
    backend.#server = createServer(async (request, response) => {
      const chunks = [];
      try {
        for await (const chunk of request) chunks.push(chunk);
      } catch {
        return;
      }
      const { url: path, headers } = request;
      const exchange = { path, headers, body: Buffer.concat(chunks), at: Date.now() };
      backend.received.push(exchange);
      const how = typeof backend.answer === "function" ? backend.answer : ANSWERS[backend.answer];
      how({ ...exchange, request, response });
    });
    backend.#server.on("connection", (socket) => {
      backend.#sockets.add(socket);
      socket.on("close", () => backend.#sockets.delete(socket));
    });
    await new Promise((listening) => backend.#server.listen(0, "127.0.0.1", listening));
    backend.url = `http://127.0.0.1:${backend.#server.address().port}/hook`;
    return backend;
  }

  /** The bodies received, as texts. */
  get bodies() {
    return this.received.map(({ body }) => String(body));
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }
}
