import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { sendRequest } from "../../testing/http-client.js";
import type { Backend } from "./backend.js";
import { gatewayError, untrustedError } from "./gateway/errors.js";
import { backoff, TIMING } from "./gateway/stream.js";
import { KeyedQueue } from "./keyed-queue.js";
import type { Output } from "./output.js";
import { Shard } from "./shard.js";
import type { StateFile } from "./state/state-file.js";

/** How many events are forwarded concurrently. */
const CONCURRENCY = 8;

export interface SessionOptions {
  readonly gateway: URL;
  /** Connects to the gateway. */
  readonly agent: Agent;
  readonly token: string;
  readonly backends: readonly Backend[];
  readonly state: StateFile;
  readonly output: Output;
  /** Whether a gap ends the session. */
  readonly strict: boolean;
}

/** Follows all shards of a gateway and forwards their events. */
export class Session {
  readonly #options: SessionOptions;
  readonly #queue: KeyedQueue = new KeyedQueue(CONCURRENCY);
  readonly #stop = new AbortController();
  #shards: Shard[] = [];
  /** The shards whose backlog has been received. */
  readonly #ready: Set<number> = new Set();
  #isAnnounced = false;
  #error: unknown;
  #hasGap = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Runs until it is stopped; returns whether a gap has ended it. */
  async run(): Promise<{ hasGap: boolean }> {
    const count = await this.#fetchShardCount();
    this.#shards = Array.from({ length: count }, (_, number) => this.#createShard(number));
    await Promise.all(
      this.#shards.map(({ stream }) => stream.run().catch((error) => this.#fail(error))),
    );
    await this.#queue.idle();
    if (this.#error !== undefined) throw this.#error;
    return { hasGap: this.#hasGap };
  }

  /** Starts no further events; those that are being forwarded are finished. */
  stop(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#queue.stop();
    for (const { stream } of this.#shards) stream.stop();
    this.#options.output.stopping(this.#queue.running);
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    this.stop();
  }

  /** Asks the gateway for the number of shards, again and again until it answers. Returns 0 if stopped before. */
  async #fetchShardCount(): Promise<number> {
    const { gateway, agent, token, output } = this.#options;
    const { signal } = this.#stop;
    const headers = [["authorization", `Bearer ${token}`]] as const;
    const request = { method: "GET", headers, body: new Uint8Array(), framing: "length" } as const;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const result = await sendRequest(new URL("/api/live", gateway), request, TIMING.openMs, {
        agent,
      });
      if ("status" in result && result.status === 200) return shardCount(result.text);
      const failure = "status" in result ? gatewayError(result.status) : undefined;
      if (failure !== undefined) throw failure;
      if ("failure" in result && result.untrusted) throw untrustedError(gateway, result);
      output.away("failure" in result ? result.failure : `it answers ${result.status}`);
      await sleep(backoff(failures, TIMING, Math.random()), undefined, { signal }).catch(() => {});
    }
    return 0;
  }

  #createShard(number: number): Shard {
    const { output, strict } = this.#options;
    return new Shard(number, {
      ...this.#options,
      queue: this.#queue,
      signal: this.#stop.signal,
      fail: (error) => this.#fail(error),
      ready: (shard) => this.#onReady(shard),
      away: (shard, reason) => {
        this.#ready.delete(shard);
        this.#isAnnounced = false;
        output.away(reason);
      },
      gap: (shard, gap) => {
        output.gap(shard, gap);
        if (!strict) return true;
        this.#hasGap = true;
        this.stop();
        return false;
      },
    });
  }

  #onReady(shard: number): void {
    this.#ready.add(shard);
    if (this.#isAnnounced || this.#ready.size < this.#shards.length) return;
    this.#isAnnounced = true;
    this.#options.output.ready(this.#shards.length);
  }
}

function shardCount(text: string): number {
  let shards: unknown;
  try {
    shards = JSON.parse(text).shards;
  } catch {
    // Reported below.
  }
  if (!Number.isInteger(shards)) throw gatewayError(200);
  return shards as number;
}
