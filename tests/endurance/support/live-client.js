// A client that follows a live stream for long: it acknowledges, comes back where it was when it is cut off, and holds
// the numbers of events to be without gap and repeat. It remembers the last one of each shard alone.

import { WebSocket } from "ws";
import { TOKEN } from "../../edge/support/client.js";

const ACK_EVERY = 32 * 1024;
const PAUSE = 200;

export class LiveClient {
  #url;
  #socket;
  #cursor;
  #unacknowledged = 0;
  #isOver = false;
  /** The number of the last event of each shard. */
  last = new Map();
  events = 0;
  reconnects = 0;
  /** Events that were skipped or came twice. */
  faults = [];

  constructor(gateway, path) {
    this.#url = `${gateway.url.replace("http", "ws")}${path}`;
    this.#open();
  }

  #open() {
    const url = this.#cursor ? `${this.#url}?cursor=${this.#cursor}` : this.#url;
    const headers = { authorization: `Bearer ${TOKEN}` };
    this.#socket = new WebSocket(url, { headers, perMessageDeflate: false });
    this.#socket.on("message", (data) => this.#take(data));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      if (this.#isOver) return;
      this.reconnects += 1;
      setTimeout(() => this.#isOver || this.#open(), PAUSE);
    });
  }

  #take(data) {
    const { type, id, shard, seq } = JSON.parse(data);
    if (type === "event") this.#check(shard, seq);
    if (type === "gap") this.faults.push(`shard ${shard}: a gap`);
    if (id === undefined) return;
    this.#cursor = id;
    this.#unacknowledged += data.length;
    if (type !== "ready" && this.#unacknowledged < ACK_EVERY) return;
    this.#unacknowledged = 0;
    this.#socket.send(JSON.stringify({ type: "ack", id }));
  }

  #check(shard, seq) {
    this.events += 1;
    const last = this.last.get(shard);
    if (last !== undefined && seq !== last + 1) {
      this.faults.push(`shard ${shard}: ${seq} after ${last}`);
    }
    this.last.set(shard, seq);
  }

  /** Cuts the connection, as a network does: it comes back by itself. */
  cut() {
    this.#socket.terminate();
  }

  stop() {
    this.#isOver = true;
    this.#socket.terminate();
  }
}
