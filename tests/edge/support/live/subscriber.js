// A subscriber of live updates, by WebSocket or by SSE: it collects what it is told, holds every message to the
// protocol, acknowledges as the protocol asks, and can be cut off at any moment.

import assert from "node:assert/strict";
import { WebSocket } from "ws";
import { within } from "../../../support/wait.js";
import { bearer, elsewhere } from "../api/caller.js";
import { TOKEN } from "../gateway.js";
import { checkAdmin, checkShopper } from "./live-messages.js";
import { read } from "./sse.js";

export const TRANSPORTS = ["WebSocket", "SSE"];

/** After how many bytes it acknowledges: they are due every 64 KiB, and a message may be as long as that again. */
const ACK_EVERY = 32 * 1024;

/** The answer to a subscriber that was not let in. */
export class Refused extends Error {
  constructor(status, headers, text) {
    super(`refused: ${status} ${text}`);
    Object.assign(this, { status, headers, text });
    this.error = text.startsWith("{") ? JSON.parse(text).error : undefined;
  }
}

class Subscriber {
  /** Every message, in order, each with the `bytes` it took in a field of the list beside it. */
  messages = [];
  bytes = [];
  comments = 0;
  pongs = 0;
  /**
   * How it ended: `{ code }` of a WebSocket, `{}` of SSE, and `{ isTorn: true }` where its connection broke in the middle;
   * undefined while it goes on.
   */
  end = undefined;

  #check;
  #fault;
  #nth = 0;
  #changed = Promise.withResolvers();

  constructor(check) {
    this.#check = check;
  }

  /** The id of the last message that has one: what to resume by. */
  get last() {
    return this.messages.findLast(({ id }) => id !== undefined)?.id;
  }

  /** All messages of a type. */
  all(type) {
    return this.messages.filter((message) => message.type === type);
  }

  /** Takes a message as its text. */
  hear(text) {
    try {
      const message = JSON.parse(text);
      this.#check(message);
      this.messages.push(message);
      this.bytes.push(Buffer.byteLength(text));
    } catch (error) {
      this.fail(error);
    }
    this.wake();
    return this.messages.at(-1);
  }

  /** Records an error, and rejects the pending waits. */
  fail(error) {
    this.#fault ??= error;
  }

  wake() {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  over(end) {
    this.end ??= end;
    this.wake();
  }

  /** Waits for something to happen, and fails with whatever was wrong. */
  async #more(what) {
    if (this.#fault) throw this.#fault;
    if (!this.end) await within(`a stream: ${what}`, this.#changed.promise);
    if (this.#fault) throw this.#fault;
  }

  /** Waits for a message, by its type or by what it says; fails where the stream ends without it. */
  async until(fits) {
    const is = typeof fits === "string" ? ({ type }) => type === fits : fits;
    for (let nth = 0; ; nth++) {
      while (nth === this.messages.length) {
        const types = this.messages.map(({ type }) => type).join();
        assert.ok(!this.end, `over (${JSON.stringify(this.end)}) after ${types}: no ${fits}`);
        await this.#more(fits);
      }
      if (is(this.messages[nth])) return this.messages[nth];
    }
  }

  /** Returns the next message that this was not asked for yet, or nothing at the end. */
  async next() {
    while (this.#nth === this.messages.length) {
      if (this.end) return undefined;
      await this.#more("the next message");
    }
    return this.messages[this.#nth++];
  }

  /** Waits for anything at all: a message, a pong, the end; fails where the stream ends without it. */
  async holds(condition) {
    while (!condition(this)) {
      assert.ok(!this.end, `over (${JSON.stringify(this.end)}) before ${condition}`);
      await this.#more(condition);
    }
  }

  /** Waits for the end that the gateway makes, and returns how it was. */
  async ended() {
    await this.holds(({ end }) => end);
    return this.end;
  }
}

function openSocket(subscriber, url, { protocols, headers, acks, ackEvery }) {
  // Like a browser: two seconds after both have said that it ends, it does not wait for the other side any more.
  const options = { headers, closeTimeout: 2000 };
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocols, options);
  let unacknowledged = 0;
  subscriber.send = (data) => socket.send(data);
  subscriber.ack = (id = subscriber.last) => {
    unacknowledged = 0;
    socket.send(JSON.stringify({ type: "ack", id }));
  };
  subscriber.cut = () => socket.terminate();
  subscriber.pause = () => socket.pause();
  subscriber.resume = () => socket.resume();
  subscriber.close = async () => {
    socket.close(1000);
    return subscriber.ended();
  };
  socket.on("message", (data, isBinary) => {
    if (isBinary) subscriber.fail(new Error("a binary message"));
    if (String(data) === "pong") {
      subscriber.pongs += 1;
      return subscriber.wake();
    }
    const { id, type } = subscriber.hear(String(data)) ?? {};
    unacknowledged += data.length;
    const isDue = type === "ready" || unacknowledged >= ackEvery;
    if (acks && id !== undefined && isDue && !subscriber.end) subscriber.ack(id);
  });
  socket.on("close", (code) => subscriber.over({ code }));
  return new Promise((resolve, reject) => {
    socket.on("upgrade", ({ headers }) => {
      subscriber.headers = new Headers(headers);
    });
    socket.on("open", () => {
      subscriber.protocol = socket.protocol;
      resolve(subscriber);
    });
    socket.on("unexpected-response", async (request, response) => {
      const chunks = await response.toArray();
      request.destroy();
      reject(new Refused(response.statusCode, new Headers(response.headers), chunks.join("")));
    });
    // What goes wrong later ends in `close`.
    socket.on("error", reject);
  });
}

async function openSse(subscriber, url, { headers }) {
  const cut = new AbortController();
  const accept = { accept: "text/event-stream" };
  const answer = await fetch(url, { headers: { ...accept, ...headers }, signal: cut.signal });
  if (answer.status !== 200) {
    throw new Refused(answer.status, answer.headers, await answer.text());
  }
  assert.match(answer.headers.get("content-type"), /^text\/event-stream(;|$)/);
  subscriber.headers = answer.headers;
  subscriber.cut = () => {
    cut.abort();
    subscriber.over({});
  };
  let reading;
  subscriber.pause = () => {
    reading = new Promise(() => {});
  };
  async function* chunks() {
    for await (const chunk of answer.body) {
      yield chunk;
      await reading;
    }
  }
  read(chunks(), {
    message: (text) => subscriber.hear(text),
    comment: () => {
      subscriber.comments += 1;
      subscriber.wake();
    },
    retry: (millis) => {
      subscriber.retry = millis;
    },
  })
    .then(() => ({}))
    .catch((error) => {
      if (error.message === "terminated") return { isTorn: true };
      // What is not SSE is a fault.
      if (!cut.signal.aborted) subscriber.fail(error);
      return {};
    })
    .then((end) => subscriber.over(end));
  return subscriber;
}

/**
 * Opens a stream as the administrator, unless `headers` say otherwise or a `ticket` does. `resume` is the id
 * to go on from. Throws `Refused` where the gateway answers anything but a stream.
 */
export async function view(transport, gateway, path, options = {}) {
  const { query = {}, resume, ticket, headers, protocols } = options;
  const { acks = true, ackEvery = ACK_EVERY } = options;
  const isSocket = transport === "WebSocket";
  const isShopper = ticket !== undefined;
  const search = new URLSearchParams(query);
  const sent = {
    "cf-connecting-ip": elsewhere(),
    ...(headers ?? (isShopper ? {} : bearer(TOKEN))),
  };
  let spoken = protocols;
  if (isShopper && isSocket) spoken ??= ["vtryon-live", resume ?? ticket];
  if (isShopper && !isSocket) search.set("ticket", ticket);
  if (resume !== undefined && isSocket && !isShopper) search.set("cursor", resume);
  if (resume !== undefined && !isSocket) sent["last-event-id"] = resume;
  const url = `${gateway.url}${path}${search.size > 0 ? `?${search}` : ""}`;
  const subscriber = new Subscriber(isShopper ? checkShopper : checkAdmin);
  const open = isSocket ? openSocket : openSse;
  const opening = open(subscriber, url, { headers: sent, protocols: spoken, acks, ackEvery });
  return within(`the head of ${transport} of ${path}`, opening);
}

/** Insists that a subscriber is not let in, and returns the answer. */
export async function refusal(...request) {
  let subscriber;
  try {
    subscriber = await view(...request);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  subscriber.cut();
  throw new Error(`let in: ${request[0]} ${request[2]}`);
}
