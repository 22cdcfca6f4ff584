import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { sendRequest } from "../../testing/http-client.js";
import type { Backend } from "./backend.js";
import { refused, untrusted } from "./gateway/errors.js";
import { backoff, TIMING } from "./gateway/stream.js";
import { KeyedQueue } from "./keyed-queue.js";
import type { Output } from "./output.js";
import { Shard } from "./shard.js";
import type { StateFile } from "./state/state-file.js";

/** How many events are under way at once. */
const AT_ONCE = 8;

/** What is listened to, and where it goes. */
export interface Job {
  readonly gateway: URL;
  /** What connects to it. */
  readonly agent: Agent;
  readonly token: string;
  readonly backends: readonly Backend[];
  readonly state: StateFile;
  readonly report: Output;
  /** Whether a gap ends it. */
  readonly strict: boolean;
}

/** Follows all shards of a gateway and forwards what they tell. */
export class Session {
  readonly #job: Job;
  readonly #lanes: KeyedQueue = new KeyedQueue(AT_ONCE);
  readonly #stop = new AbortController();
  #shards: Shard[] = [];
  /** The shards that have told everything which was stored before. */
  readonly #ready: Set<number> = new Set();
  #isAnnounced = false;
  #fault: unknown;
  #hasGap = false;

  constructor(job: Job) {
    this.#job = job;
  }

  /** Runs until it is stopped; tells whether a gap has ended it. */
  async run(): Promise<{ hasGap: boolean }> {
    const count = await this.#count();
    this.#shards = Array.from({ length: count }, (_, number) => this.#shard(number));
    await Promise.all(
      this.#shards.map(({ stream }) => stream.run().catch((fault) => this.#fail(fault))),
    );
    await this.#lanes.idle();
    if (this.#fault !== undefined) throw this.#fault;
    return { hasGap: this.#hasGap };
  }

  /** Begins nothing any more; what is under way comes to its end. */
  stop(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#lanes.stop();
    for (const { stream } of this.#shards) stream.stop();
    this.#job.report.stopping(this.#lanes.running);
  }

  #fail(fault: unknown): void {
    this.#fault ??= fault;
    this.stop();
  }

  /** Asks how many shards there are until it is told; none where it is stopped before. */
  async #count(): Promise<number> {
    const { gateway, agent, token, report } = this.#job;
    const { signal } = this.#stop;
    const headers = [["authorization", `Bearer ${token}`]] as const;
    const request = { method: "GET", headers, body: new Uint8Array(), framing: "length" } as const;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const outcome = await sendRequest(new URL("/api/live", gateway), request, TIMING.openMs, {
        agent,
      });
      if ("status" in outcome && outcome.status === 200) return countIn(outcome.text);
      const failure = "status" in outcome ? refused(outcome.status) : undefined;
      if (failure !== undefined) throw failure;
      if ("none" in outcome && outcome.untrusted) throw untrusted(gateway, outcome);
      report.away("none" in outcome ? outcome.none : `it answers ${outcome.status}`);
      await sleep(backoff(failures, TIMING, Math.random()), undefined, { signal }).catch(() => {});
    }
    return 0;
  }

  #shard(number: number): Shard {
    const { report, strict } = this.#job;
    return new Shard(number, {
      ...this.#job,
      lanes: this.#lanes,
      signal: this.#stop.signal,
      fail: (fault) => this.#fail(fault),
      ready: (shard) => this.#heard(shard),
      away: (shard, reason) => {
        this.#ready.delete(shard);
        this.#isAnnounced = false;
        report.away(reason);
      },
      gap: (shard, gap) => {
        report.gap(shard, gap);
        if (!strict) return true;
        this.#hasGap = true;
        this.stop();
        return false;
      },
    });
  }

  #heard(shard: number): void {
    this.#ready.add(shard);
    if (this.#isAnnounced || this.#ready.size < this.#shards.length) return;
    this.#isAnnounced = true;
    this.#job.report.ready(this.#shards.length);
  }
}

function countIn(text: string): number {
  let shards: unknown;
  try {
    shards = JSON.parse(text).shards;
  } catch {
    // Told below.
  }
  if (!Number.isInteger(shards)) throw refused(200);
  return shards as number;
}
