import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { connectionFailure } from "../../testing/http-client.js";
import { Failure } from "../common/errors.js";
import { gatewayError, untrustedError } from "./errors.js";
import { type Message, ProtocolError, parseMessage } from "./protocol.js";

/** Intervals and timeouts, in milliseconds. */
export interface Timing {
  /** The interval between pings, and how long the gateway has to answer one. */
  readonly pingMs: number;
  readonly pongMs: number;
  /** The timeout of connecting. */
  readonly openMs: number;
  /** The wait before reconnecting: it doubles from the first to the last. */
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

/** Reading pauses when this many bytes of a shard wait, and resumes when fewer than the second do. */
export const PAUSE_BYTES: number = 512 * 1024;
export const RESUME_BYTES: number = 256 * 1024;

/**
 * An acknowledgement is sent after this many bytes. The gateway asks for one every 64 KiB, and sends at most 256 KiB
 * ahead.
 */
export const ACK_BYTES: number = 32 * 1024;

/** How long a gateway has to complete the closing handshake. */
const CLOSE_TIMEOUT_MS = 1000;

/** Gets what comes over a stream. */
export interface StreamHandler {
  message(message: Message, text: string): void;
  /** A message came that is not used. */
  ignored(bytes: number): void;
  /** The connection failed, and is tried again. */
  away(reason: string): void;
}

export interface StreamSource {
  readonly gateway: URL;
  /** Connects to the gateway. */
  readonly agent: Agent;
  readonly token: string;
  readonly shard: number;
  /** The id to resume after; without it, the time to begin at, or null for now. */
  readonly cursor: string | undefined;
  readonly since: string | null;
}

/** How a connection ended: whether a message came over it, and whether to reconnect at once. */
interface ConnectionEnd {
  readonly wasUseful: boolean;
  readonly atOnce: boolean;
}

/** Returns the wait before reconnecting: exponential, with jitter so that clients do not all reconnect at once. */
export function backoff(failures: number, { firstMs, lastMs }: Timing, random: number): number {
  return Math.min(lastMs, firstMs * 2 ** failures) * (0.5 + random / 2);
}

/** The stream of one shard. Reconnects until it is stopped. */
export class Stream {
  readonly #source: StreamSource;
  readonly #handler: StreamHandler;
  readonly #timing: Timing;
  readonly #stop = new AbortController();
  #socket: WebSocket | undefined;
  #cursor: string | undefined;
  #paused: Promise<void> | undefined;
  #unpause: () => void = () => {};

  constructor(source: StreamSource, handler: StreamHandler, timing: Timing = TIMING) {
    this.#source = source;
    this.#handler = handler;
    this.#timing = timing;
    this.#cursor = source.cursor;
  }

  /** Follows the shard until it is stopped. Throws a {@link Failure} that a retry would not change. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#isStopped) {
      await this.#paused;
      if (this.#isStopped) return;
      const { wasUseful, atOnce } = await this.#connect();
      if (wasUseful) failures = 0;
      if (atOnce || this.#isStopped) continue;
      const wait = backoff(failures, this.#timing, Math.random());
      failures += 1;
      await sleep(wait, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  /** Acknowledges everything up to an id. */
  acknowledge(id: string): void {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "ack", id }));
  }

  /** Pauses reading. */
  pause(): void {
    this.#paused ??= new Promise((unpause) => {
      this.#unpause = unpause;
    });
    this.#socket?.pause();
  }

  /** Resumes reading. */
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
    // A gateway that does not answer would keep the process alive.
    setTimeout(() => socket?.terminate(), CLOSE_TIMEOUT_MS).unref();
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

  /** Connects once and reads until the connection ends. */
  #connect(): Promise<ConnectionEnd> {
    const { openMs } = this.#timing;
    // The types of ws do not know `closeTimeout` yet.
    const options: WebSocket.ClientOptions & { closeTimeout: number } = {
      headers: { authorization: `Bearer ${this.#source.token}` },
      agent: this.#source.agent,
      handshakeTimeout: openMs,
      closeTimeout: CLOSE_TIMEOUT_MS,
      perMessageDeflate: false,
    };
    const socket = new WebSocket(this.#url, options);
    this.#socket = socket;
    // The error of a connection that was open is not reported: the next attempt shows whether the gateway is away.
    let isReported = false;
    let wasUseful = false;
    return new Promise((resolve, reject) => {
      const giveUp = (error: unknown) => {
        reject(error);
        socket.terminate();
      };
      socket.on("unexpected-response", (_request, { statusCode = 0 }) => {
        const failure = gatewayError(statusCode);
        if (failure === undefined) this.#handler.away(`it answers ${statusCode}`);
        else reject(failure);
        isReported = true;
        socket.terminate();
      });
      socket.on("error", (error) => {
        const why = connectionFailure(error);
        if (why.untrusted) return giveUp(untrustedError(this.#source.gateway, why));
        if (!isReported && !this.#isStopped) this.#handler.away(reasonOf(error));
      });
      socket.on("open", () => {
        isReported = true;
        this.#startPings(socket);
      });
      socket.on("message", (data, isBinary) => {
        const text = String(data);
        if (text === "pong") return;
        wasUseful = true;
        try {
          if (isBinary) throw new ProtocolError();
          this.#onMessage(text);
        } catch (error) {
          giveUp(error instanceof ProtocolError ? UNREADABLE : error);
        }
      });
      // Not without a message: a connection that is refused each time must not be retried in a tight loop.
      socket.on("close", (code) => resolve({ wasUseful, atOnce: code === 1013 && wasUseful }));
    });
  }

  #onMessage(text: string): void {
    // After `stop`, messages are dropped: the next run receives them again.
    if (this.#isStopped) return;
    const message = parseMessage(text);
    if (message === undefined) {
      this.#handler.ignored(text.length);
      return;
    }
    this.#cursor = message.id;
    this.#handler.message(message, text);
  }

  /** Pings the gateway. After the machine has slept, nothing else shows that the connection is dead. */
  #startPings(socket: WebSocket): void {
    const { pingMs, pongMs } = this.#timing;
    let deadline: NodeJS.Timeout | undefined;
    const onAnswer = () => {
      clearTimeout(deadline);
      deadline = undefined;
    };
    const pings = setInterval(() => {
      // While reading is paused, no answer can arrive.
      if (socket.isPaused) return;
      socket.send("ping");
      deadline ??= setTimeout(() => {
        deadline = undefined;
        if (!socket.isPaused) socket.terminate();
      }, pongMs);
    }, pingMs);
    socket.on("message", onAnswer);
    socket.on("close", () => {
      onAnswer();
      clearInterval(pings);
    });
  }
}

const UNREADABLE: Failure = new Failure(
  "the gateway's answer has a format that this version does not know",
  "see whether there is a newer version of vtryon-webhooks",
);

function reasonOf(error: Error & { code?: string }): string {
  return error.code === undefined
    ? "no answer that a WebSocket begins with"
    : connectionFailure(error).failure;
}
