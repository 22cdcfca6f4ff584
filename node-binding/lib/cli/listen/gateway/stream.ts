import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { connectionFailure } from "../../../testing/http-client.js";
import { Failure } from "../../common/errors.js";
import { refused, untrusted } from "./errors.js";
import { type Message, ProtocolError, read } from "./protocol.js";

/** How long things take, in milliseconds. */
export interface Timing {
  /** After how long the gateway is asked whether it is there, and how long it has to say so. */
  readonly pingMs: number;
  readonly pongMs: number;
  /** How long a connection may take. */
  readonly openMs: number;
  /** How long the first wait for another connection is; each is twice as long as the one before, up to the last. */
  readonly firstMs: number;
  readonly lastMs: number;
}

export const TIMING: Timing = {
  pingMs: 20_000,
  pongMs: 10_000,
  openMs: 15_000,
  firstMs: 500,
  lastMs: 30_000,
};

/** How long a gateway has to answer a goodbye. */
const GOODBYE_MS = 1000;

/** What a stream tells. */
export interface Listener {
  message(message: Message, bytes: number): void;
  /** There came something that does not matter here. */
  ignored(bytes: number): void;
  /** There is no connection, and another one is tried. */
  away(reason: string): void;
}

/** Where a stream comes from. */
export interface Source {
  readonly gateway: URL;
  /** What connects to it. */
  readonly agent: Agent;
  readonly token: string;
  readonly shard: number;
  /** The id to resume after; where there is none, a time to begin at, or null for now. */
  readonly cursor: string | undefined;
  readonly since: string | null;
}

/** How a connection ended: whether it had brought anything, and whether the next one may come at once. */
interface End {
  readonly wasUseful: boolean;
  readonly atOnce: boolean;
}

/** How often to wait longer and longer, with a jitter: listeners that were cut off together come back apart. */
export function backoff(failures: number, { firstMs, lastMs }: Timing, random: number): number {
  return Math.min(lastMs, firstMs * 2 ** failures) * (0.5 + random / 2);
}

/** The stream of one shard, over one connection after the other. */
export class Stream {
  readonly #source: Source;
  readonly #listener: Listener;
  readonly #timing: Timing;
  readonly #stop = new AbortController();
  #socket: WebSocket | undefined;
  #cursor: string | undefined;
  #paused: Promise<void> | undefined;
  #unpause: () => void = () => {};

  constructor(source: Source, listener: Listener, timing: Timing = TIMING) {
    this.#source = source;
    this.#listener = listener;
    this.#timing = timing;
    this.#cursor = source.cursor;
  }

  /** Follows the shard until it is stopped; throws where that is of no use. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#isStopped) {
      await this.#paused;
      if (this.#isStopped) return;
      const { wasUseful, atOnce } = await this.#connection();
      if (wasUseful) failures = 0;
      if (atOnce || this.#isStopped) continue;
      const wait = backoff(failures, this.#timing, Math.random());
      failures += 1;
      await sleep(wait, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  /** Tells the gateway that everything up to an id was processed. */
  acknowledge(id: string): void {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "ack", id }));
  }

  /** Reads no more for now. */
  pause(): void {
    this.#paused ??= new Promise((unpause) => {
      this.#unpause = unpause;
    });
    this.#socket?.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#paused = undefined;
    this.#unpause();
    this.#socket?.resume();
  }

  /** Ends the stream. */
  stop(): void {
    this.#stop.abort();
    this.resume();
    const socket = this.#socket;
    socket?.close(1000);
    // One that does not say goodbye is not waited for.
    setTimeout(() => socket?.terminate(), GOODBYE_MS).unref();
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  get #url(): URL {
    const { gateway, shard, since } = this.#source;
    const url = new URL(`/api/live/${shard}?bodies=1`, gateway);
    url.protocol = gateway.protocol.replace("http", "ws");
    if (this.#cursor !== undefined) url.searchParams.set("cursor", this.#cursor);
    else if (since !== null) url.searchParams.set("since", since);
    return url;
  }

  /** Makes one connection and follows it to its end. */
  #connection(): Promise<End> {
    const { openMs } = this.#timing;
    // The types of ws do not know `closeTimeout` yet.
    const options: WebSocket.ClientOptions & { closeTimeout: number } = {
      headers: { authorization: `Bearer ${this.#source.token}` },
      agent: this.#source.agent,
      handshakeTimeout: openMs,
      closeTimeout: GOODBYE_MS,
      perMessageDeflate: false,
    };
    const socket = new WebSocket(this.#url, options);
    this.#socket = socket;
    // What ends a connection that was open is no news: the next one says whether the gateway is there.
    let isTold = false;
    let wasUseful = false;
    return new Promise((resolve, reject) => {
      const giveUp = (fault: unknown) => {
        reject(fault);
        socket.terminate();
      };
      socket.on("unexpected-response", (_request, { statusCode = 0 }) => {
        const failure = refused(statusCode);
        if (failure === undefined) this.#listener.away(`it answers ${statusCode}`);
        else reject(failure);
        isTold = true;
        socket.terminate();
      });
      socket.on("error", (fault) => {
        const why = connectionFailure(fault);
        if (why.untrusted) return giveUp(untrusted(this.#source.gateway, why));
        if (!isTold && !this.#isStopped) this.#listener.away(reasonOf(fault));
      });
      socket.on("open", () => {
        isTold = true;
        this.#watch(socket);
      });
      socket.on("message", (data, isBinary) => {
        const text = String(data);
        if (text === "pong") return;
        wasUseful = true;
        try {
          if (isBinary) throw new ProtocolError();
          this.#take(text);
        } catch (fault) {
          giveUp(fault instanceof ProtocolError ? UNREADABLE : fault);
        }
      });
      // Without a message before, a connection that is refused at once would be made again without end.
      socket.on("close", (code) => resolve({ wasUseful, atOnce: code === 1013 && wasUseful }));
    });
  }

  #take(text: string): void {
    // What comes after the end was asked for is not taken in: it comes again.
    if (this.#isStopped) return;
    const message = read(text);
    if (message === undefined) {
      this.#listener.ignored(text.length);
      return;
    }
    this.#cursor = message.id;
    this.#listener.message(message, text.length);
  }

  /** Asks again and again whether the gateway is there: after a machine has slept, nothing else tells. */
  #watch(socket: WebSocket): void {
    const { pingMs, pongMs } = this.#timing;
    let deadline: NodeJS.Timeout | undefined;
    const alive = () => {
      clearTimeout(deadline);
      deadline = undefined;
    };
    const asking = setInterval(() => {
      // While nothing is read, no answer is seen either.
      if (socket.isPaused) return;
      socket.send("ping");
      deadline ??= setTimeout(() => {
        deadline = undefined;
        if (!socket.isPaused) socket.terminate();
      }, pongMs);
    }, pingMs);
    socket.on("message", alive);
    socket.on("close", () => {
      alive();
      clearInterval(asking);
    });
  }
}

const UNREADABLE: Failure = new Failure(
  "the gateway says what this version can't read",
  "see whether there is a newer version of vtryon-webhooks",
);

function reasonOf(fault: Error & { code?: string }): string {
  return fault.code === undefined
    ? "no answer that a WebSocket begins with"
    : connectionFailure(fault).none;
}
