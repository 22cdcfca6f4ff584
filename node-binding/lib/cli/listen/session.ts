import type { Agent } from "node:http";
import { fetchShardCount } from "../gateway/shard-count.js";
import type { StateFile } from "../state/state-file.js";
import type { Backend } from "./backend.js";
import { KeyedQueue } from "./keyed-queue.js";
import type { Output } from "./output.js";
import { Shard } from "./shard.js";

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
    const { output } = this.#options;
    const count = await fetchShardCount(
      this.#options,
      (reason) => output.away(reason),
      this.#stop.signal,
    );
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
