// A gateway's live updates without a gateway, which a test has in its hands: it can be away, cut off, fall silent,
// and forget. It keeps to what the protocol promises: at most 256 KiB ahead of what was acknowledged.

import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { WebSocketServer } from "ws";
import { emitted } from "../../../tests/support/wait.js";
import { OWN_HOST } from "./own-host.js";

export const TOKEN = "admin-token-of-the-tests-0123456789abcdef";
export const SECRET = "whsec_test_of_listen";

export class FakeGateway {
  shards;
  /** What each shard has stored, in order. */
  stored;
  /** What each shard no longer keeps: everything up to this number. */
  pruned;
  /** How much is sent ahead of what was acknowledged while old events are told; four times as much after that. */
  ahead = 256 * 1024;
  /** The number up to which each shard was acknowledged. */
  acknowledged = [];
  /** How often anything was. */
  acknowledgements = 0;
  /** The queries that streams were asked for with. */
  asked = [];
  /** What is answered instead of a stream, if anything: a status. */
  status;
  /** A promise that the answer to `GET /api/live` waits for. */
  held;
  /** How often it was asked for that. */
  counted = 0;
  /** Whether pings are answered. */
  answersPings = true;
  /** The most pings that were answered on one connection. */
  pongs = 0;
  #server;
  #sockets;
  #clients = new Map();
  #port = 0;
  /** The key and the certificate, where it is one of https. */
  #tls;

  static async start(shards = 2, tls = undefined) {
    const gateway = new FakeGateway();
    gateway.#tls = tls;
    gateway.shards = shards;
    gateway.stored = Array.from({ length: shards }, () => []);
    gateway.pruned = Array.from({ length: shards }, () => 0);
    await gateway.up();
    return gateway;
  }

  get url() {
    return `http${this.#tls ? "s" : ""}://${this.#host}:${this.#port}`;
  }

  /** Certificates name 127.0.0.1. */
  get #host() {
    return this.#tls ? "127.0.0.1" : OWN_HOST;
  }

  get port() {
    return this.#port;
  }

  /** Listens, on the port that it had before. */
  async up() {
    const answer = async (request, response) => {
      this.counted += 1;
      await this.held;
      const status = this.#refusal(request) ?? (request.url === "/api/live" ? 200 : 404);
      response.writeHead(status).end(JSON.stringify({ shards: this.shards }));
    };
    this.#server = this.#tls ? createTlsServer(this.#tls, answer) : createServer(answer);
    this.#sockets = new WebSocketServer({ noServer: true });
    this.#server.on("upgrade", (request, socket, head) => {
      const status = this.#refusal(request);
      if (status !== undefined) {
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#follow(client, request));
    });
    this.#server.listen(this.#port, this.#host);
    await emitted(this.#server, "listening");
    this.#port = this.#server.address().port;
  }

  /** Goes away, with everything that is connected. */
  async down() {
    const closed = once(this.#server, "close");
    this.cut();
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Ends all connections, with a code or without a word. */
  cut(code) {
    for (const client of this.#clients.keys()) code ? client.close(code) : client.terminate();
  }

  /** How many bytes wait for clients to read them. */
  get unsent() {
    return [...this.#clients.keys()].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
  }

  get connected() {
    return this.#clients.size;
  }

  /** Stores an event; `body` may be bytes that can't be read. */
  event(task, status, { body, ...more } = {}) {
    const text = JSON.stringify({ event: "generation.status_changed", task_id: task, status });
    const bytes = Buffer.from(body ?? text);
    return this.#store(task, {
      type: "event",
      task_id: task,
      event: "generation.status_changed",
      status,
      outcome: "applied",
      received_at: new Date().toISOString(),
      webhook_id: `evt_${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}`,
      body: bytes.toString("base64"),
      signature: createHmac("sha256", SECRET).update(bytes).digest("hex"),
      ...more,
    });
  }

  /** Stores that an event was replayed. */
  replay(event) {
    const { seq, shard } = event;
    return this.#store(event.task_id, {
      ...event,
      type: "replay",
      of: seq,
      delivery: `dlv_${shard}_${seq}`,
    });
  }

  /** Stores that a task was erased. */
  erase(task) {
    const task_digest = createHash("sha256").update(task).digest("hex");
    return this.#store(task, { type: "erased", task_digest, erased_at: new Date().toISOString() });
  }

  /** Tells all who listen of a delivery. */
  hint() {
    for (const client of this.#clients.keys()) client.send('{"type":"delivery","state":"pending"}');
  }

  /** Forgets everything up to now. */
  prune() {
    this.pruned = this.stored.map((events) => events.at(-1)?.seq ?? 0);
  }

  #store(task, message) {
    const shard = createHash("sha256").update(`${task}`).digest()[0] % this.shards;
    const seq = this.stored[shard].length + 1;
    const stored = { ...message, id: this.#id(shard, seq), shard, seq };
    this.stored[shard].push(stored);
    for (const feed of this.#clients.values()) feed();
    return stored;
  }

  #id(shard, seq) {
    return `1.${this.shards}.${shard}_${seq}`;
  }

  #refusal({ headers }) {
    return headers.authorization === `Bearer ${TOKEN}` ? this.status : 401;
  }

  #follow(client, { url }) {
    const { pathname, searchParams } = new URL(url, this.url);
    this.asked.push(Object.fromEntries(searchParams));
    const shard = Number(pathname.split("/").at(-1));
    const [cursor, since] = [searchParams.get("cursor"), searchParams.get("since")];
    const send = (message) => client.send(JSON.stringify(message));
    const events = this.stored[shard];
    let place = cursor === null ? events.length : Number(cursor.split("_").at(-1));
    if (since !== null) place = events.findIndex(({ received_at }) => received_at >= since);
    if (place < 0) place = events.length;
    const isGap = place < this.pruned[shard];
    if (isGap) {
      const to = this.pruned[shard];
      send({ type: "gap", id: this.#id(shard, to), shard, from: place + 1, to });
      place = to;
    }
    if (isGap || (cursor ?? since) === null) {
      send({ type: "snapshot", id: this.#id(shard, place), shard, shards: this.shards, tasks: [] });
    }
    send({ type: "from_the_future", anything: 1 });
    let unacknowledged = [];
    let isReady = false;
    const feed = () => {
      const bytes = () => unacknowledged.reduce((sum, { size }) => sum + size, 0);
      while (place < events.length && (isReady || bytes() < this.ahead)) {
        const event = events[place];
        place += 1;
        unacknowledged.push({ id: event.id, size: JSON.stringify(event).length });
        send(event);
        if (bytes() > 4 * this.ahead) return client.close(1013);
      }
      if (isReady || place < events.length) return;
      isReady = true;
      send({ type: "ready", id: this.#id(shard, place), shard });
    };
    let pongs = 0;
    client.on("message", (data) => {
      if (String(data) === "ping") {
        if (!this.answersPings) return;
        client.send("pong");
        pongs += 1;
        this.pongs = Math.max(this.pongs, pongs);
        return;
      }
      const { type, id } = JSON.parse(data);
      if (type !== "ack") return client.close(1008);
      const at = Number(id.split("_").at(-1));
      this.acknowledged[shard] = at;
      this.acknowledgements += 1;
      unacknowledged = unacknowledged.filter((sent) => Number(sent.id.split("_").at(-1)) > at);
      feed();
    });
    client.on("close", () => this.#clients.delete(client));
    this.#clients.set(client, feed);
    feed();
  }
}
