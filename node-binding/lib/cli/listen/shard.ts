import type { Agent } from "node:http";
import { AckTracker, type Item } from "./ack-tracker.js";
import type { Backend } from "./backend.js";
import type { Gap, IncomingEvent, Message } from "./gateway/protocol.js";
import { type Listener, Stream } from "./gateway/stream.js";
import type { KeyedQueue } from "./keyed-queue.js";
import type { StateFile } from "./state/state-file.js";

/** From how many waiting bytes on a shard is read no more, and from how few on it is again. */
const FULL = 512 * 1024;
const ROOM = 256 * 1024;

/** After how many bytes the gateway is told that they were processed: it asks for that every 64 KiB. */
const ACKNOWLEDGED = 32 * 1024;

/** What all shards share. */
export interface Shared {
  readonly gateway: URL;
  readonly agent: Agent;
  readonly token: string;
  readonly backends: readonly Backend[];
  readonly state: StateFile;
  readonly lanes: KeyedQueue;
  readonly signal: AbortSignal;
  /** Everything that was stored before was told. */
  ready(shard: number): void;
  away(shard: number, reason: string): void;
  /** Tells whether to go on over a gap. */
  gap(shard: number, gap: Gap): boolean;
  fail(fault: unknown): void;
}

/** One shard: what its stream tells goes to the backends, and how far that has come into the state. */
export class Shard implements Listener {
  readonly stream: Stream;
  readonly #number: number;
  readonly #shared: Shared;
  readonly #progress: AckTracker = new AckTracker();
  /** Up to where everything is done. */
  #place: string | undefined;
  #unacknowledged = 0;

  constructor(number: number, shared: Shared) {
    const { gateway, agent, token, state } = shared;
    this.#number = number;
    this.#shared = shared;
    this.#place = state.cursor(number);
    const [cursor, since] = [this.#place, state.since];
    this.stream = new Stream({ gateway, agent, token, shard: number, cursor, since }, this);
  }

  away(reason: string): void {
    this.#shared.away(this.#number, reason);
  }

  message(message: Message, bytes: number): void {
    const { id, type } = message;
    const item: Item = { id, bytes, seq: "seq" in message ? message.seq : null, left: 0 };
    this.#progress.add(item);
    if (type === "ready") this.#shared.ready(this.#number);
    if (type === "gap") this.#gap(item, message);
    if ("seq" in message) this.#forward(item, message);
    this.#pass();
    if (this.#progress.waiting > FULL) this.stream.pause();
  }

  ignored(bytes: number): void {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged >= ACKNOWLEDGED) this.#acknowledge();
  }

  #gap(item: Item, gap: Gap): void {
    // One that is not gone over stays where it is: it is met again the next time.
    if (this.#shared.gap(this.#number, gap)) {
      this.#shared.state.gap(this.#number, gap.from, gap.to);
    } else item.left = 1;
  }

  #forward(item: Item, event: IncomingEvent): void {
    const { backends, state, lanes, signal, fail } = this.#shared;
    const { seq, task } = event;
    for (const backend of backends) {
      if (state.isDone(this.#number, seq, backend.name)) continue;
      item.left += 1;
      // A task is in one shard; what is of no task waits for nothing.
      lanes.add(`${backend.name} ${task ?? `${this.#number} ${seq}`}`, async () => {
        try {
          if (!(await backend.forward(event, signal))) return;
          item.left -= 1;
          if (!this.#pass().includes(item)) state.done(this.#number, seq, backend.name);
        } catch (fault) {
          fail(fault);
        }
      });
    }
  }

  /** Moves on over all that is done, and returns it. */
  #pass(): Item[] {
    const passed = this.#progress.pass();
    const last = passed.at(-1);
    if (last === undefined) return passed;
    const seq = passed.reduce<number | null>((seq, item) => item.seq ?? seq, null);
    this.#shared.state.passed(this.#number, last.id, seq);
    this.#place = last.id;
    for (const { bytes } of passed) this.#unacknowledged += bytes;
    const { waiting } = this.#progress;
    if (waiting === 0 || this.#unacknowledged >= ACKNOWLEDGED) this.#acknowledge();
    if (waiting < ROOM) this.stream.resume();
    return passed;
  }

  #acknowledge(): void {
    if (this.#place !== undefined) this.stream.acknowledge(this.#place);
    this.#unacknowledged = 0;
  }
}
