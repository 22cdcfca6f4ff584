// A closed-loop client: each connection is kept open and asks again once it was answered. It speaks HTTP/1.1 over
// plain sockets, for a client that costs more than the server tells more of itself.

import { connect } from "node:net";

const END = Buffer.from("\r\n\r\n");

/** Builds a request as the bytes that go over the wire. */
export function request(method, path, headers = {}, body = "") {
  const bytes = Buffer.from(body);
  const all = { host: "bench", "content-length": bytes.length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), bytes]);
}

/** One connection, which has one request in progress at a time. */
export class Connection {
  #socket;
  #seen = Buffer.alloc(0);
  #answered;
  #failed;

  static async open(port) {
    const connection = new Connection();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    connection.#socket = socket;
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.on("data", (chunk) => connection.#take(chunk));
    socket.on("error", (error) => connection.#failed?.(error));
    socket.on("close", () => connection.#failed?.(new Error("the connection was closed")));
    return connection;
  }

  /** Whether it can still be asked. */
  get isOpen() {
    return this.#socket.readyState === "open";
  }

  /** Sends a request, and returns its answer: the status, the head as text, and the body. */
  ask(bytes) {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(bytes);
    });
  }

  #take(chunk) {
    this.#seen = this.#seen.length === 0 ? chunk : Buffer.concat([this.#seen, chunk]);
    const end = this.#seen.indexOf(END);
    if (end < 0) return;
    const head = this.#seen.latin1Slice(0, end + 2);
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) this.#failed(new Error(`an answer of unknown length: ${head}`));
    const body = end + END.length;
    if (this.#seen.length < body + length) return;
    const answer = { status: Number(head.slice(9, 12)), head, body: this.#seen.subarray(body) };
    this.#seen = Buffer.alloc(0);
    this.#answered(answer);
  }

  close() {
    this.#failed = undefined;
    this.#socket.destroy();
  }
}

/** Opens so many connections, and runs `use` with them. */
export async function withConnections(port, count, use) {
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(port)));
  try {
    return await use(connections);
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Sends the requests, each connection the next one when it was answered; returns how long each took in ms. */
export async function closedLoop(connections, requests, expected = 200) {
  const times = [];
  let next = 0;
  await Promise.all(
    connections.map(async (connection) => {
      while (next < requests.length) {
        const bytes = requests[next++];
        const begun = performance.now();
        const { status, body } = await connection.ask(bytes);
        times.push(performance.now() - begun);
        if (status !== expected) throw new Error(`answered ${status}: ${body}`);
      }
    }),
  );
  return times;
}
