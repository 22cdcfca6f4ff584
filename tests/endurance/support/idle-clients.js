// Clients that keep connections to a gateway without making progress: each is opened anew when the gateway ends it.

import { connect } from "node:net";
import { WebSocket } from "ws";
import { sign, TOKEN } from "../../edge/support/client.js";

/** How often a slow sender sends one more byte, in milliseconds. */
const BYTE_EVERY = 200;
/** How long a slow reader reads, and how long it does not, in milliseconds. */
const READ_EVERY = 5000;
/** How long each pauses before it comes back, in milliseconds. */
const PAUSE = 200;

const BODY = JSON.stringify({
  event: "generation.status_changed",
  task_id: "slow",
  status: "queued",
});
const HEAD = [
  "POST /webhooks/vtryon HTTP/1.1",
  "host: gateway",
  `content-length: ${BODY.length}`,
  `x-vtryon-signature: ${sign(BODY)}`,
].join("\r\n");

/** Opens a connection; `begin` is called once it is open, and `tick` again and again until it is closed. */
function openSocket(port, { begin = () => {}, tick }) {
  const socket = connect({ port, host: "127.0.0.1" }, () => begin(socket));
  const timer = tick && setInterval(() => tick(socket), BYTE_EVERY);
  socket.on("error", () => {});
  socket.on("close", () => clearInterval(timer));
  socket.resume();
  return socket;
}

/** Sends a text by one byte at a time. */
const drip =
  (text, first = "") =>
  (port) => {
    let sent = 0;
    return openSocket(port, {
      begin: (socket) => socket.write(first),
      tick: (socket) => sent < text.length && socket.write(text[sent++]),
    });
  };

/** What a client can be: each opens a connection, whose `close` ends it. */
const KINDS = {
  /** Connects, and sends nothing. */
  idle: (port) => openSocket(port, {}),
  /** Sends the head of an event byte by byte. */
  "slow head": drip(`${HEAD}\r\n\r\n${BODY}`),
  /** Sends its body byte by byte. */
  "slow body": drip(BODY, `${HEAD}\r\n\r\n`),
  /** Follows a live stream with bodies, and reads a little of it now and then: it falls behind and is closed. */
  "slow reader": (port) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live?bodies=1`, { headers });
    socket.on("open", () => socket.pause());
    socket.on("error", () => {});
    const timer = setInterval(() => {
      if (socket.isPaused) socket.resume();
      else if (socket.readyState === WebSocket.OPEN) socket.pause();
    }, READ_EVERY);
    socket.on("close", () => clearInterval(timer));
    return socket;
  },
};

const isOpen = ({ readyState }) => readyState === "open" || readyState === WebSocket.OPEN;

export class IdleClients {
  #port;
  #sockets = new Set();
  #isOver = false;
  /** How often a connection was opened, by its kind. */
  opened = {};

  /** Opens so many connections of each kind: `{ idle: 1000 }`. */
  constructor(port, counts) {
    this.#port = port;
    for (const [kind, count] of Object.entries(counts)) {
      for (let nth = 0; nth < count; nth++) this.#add(kind);
    }
  }

  #add(kind) {
    if (this.#isOver) return;
    this.opened[kind] = (this.opened[kind] ?? 0) + 1;
    const socket = KINDS[kind](this.#port);
    this.#sockets.add(socket);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      setTimeout(() => this.#add(kind), PAUSE);
    });
  }

  /** How many connections are open. */
  get size() {
    return [...this.#sockets].filter(isOpen).length;
  }

  stop() {
    this.#isOver = true;
    for (const socket of this.#sockets) {
      if (socket instanceof WebSocket) socket.terminate();
      else socket.destroy();
    }
  }
}
