import type { Agent } from "node:http";
import type { Gap, IncomingEvent, Message } from "../gateway/protocol.js";
import {
  ACK_BYTES,
  PAUSE_BYTES,
  RESUME_BYTES,
  Stream,
  type StreamHandler,
} from "../gateway/stream.js";
import type { StateFile } from "../state/state-file.js";
import { AckTracker, type PendingMessage } from "./ack-tracker.js";
import type { Backend } from "./backend.js";
import type { KeyedQueue } from "./keyed-queue.js";

/** What all shards of a session share. */
export interface ShardContext {
  readonly gateway: URL;
  readonly agent: Agent;
  readonly token: string;
  readonly backends: readonly Backend[];
  readonly state: StateFile;
  readonly queue: KeyedQueue;
  readonly signal: AbortSignal;
  /** The backlog of a shard has been received. */
  ready(shard: number): void;
  away(shard: number, reason: string): void;
  /** Returns whether to continue after a gap. */
  gap(shard: number, gap: Gap): boolean;
  fail(error: unknown): void;
}

/** Forwards the events of one shard to the backends, and records in the state file how far that has come. */
export class Shard implements StreamHandler {
  readonly stream: Stream;
  readonly #number: number;
  readonly #context: ShardContext;
  readonly #tracker: AckTracker = new AckTracker();
  /** The id of the last message that can be acknowledged. */
  #cursor: string | undefined;
  #unacknowledgedBytes = 0;

  constructor(number: number, context: ShardContext) {
    const { gateway, agent, token, state } = context;
    this.#number = number;
    this.#context = context;
    this.#cursor = state.cursor(number);
    const [cursor, since] = [this.#cursor, state.since];
    this.stream = new Stream({ gateway, agent, token, shard: number, cursor, since }, this);
  }

  away(reason: string): void {
    this.#context.away(this.#number, reason);
  }

  message(message: Message, text: string): void {
    const { id } = message;
    const seq = "seq" in message ? message.seq : null;
    const pending: PendingMessage = { id, bytes: text.length, seq, remaining: 0 };
    this.#tracker.add(pending);
    if (message.type === "ready") this.#context.ready(this.#number);
    if (message.type === "gap") this.#onGap(pending, message);
    // What was imported is not forwarded: the gateway that exported it has delivered it.
    if ("imported" in message && !message.imported) this.#forward(pending, message);
    this.#advance();
    if (this.#tracker.pendingBytes > PAUSE_BYTES) this.stream.pause();
  }

  ignored(bytes: number): void {
    this.#unacknowledgedBytes += bytes;
    if (this.#unacknowledgedBytes >= ACK_BYTES) this.#acknowledge();
  }

  #onGap(pending: PendingMessage, gap: Gap): void {
    if (this.#context.gap(this.#number, gap)) {
      this.#context.state.gap(this.#number, gap.from, gap.to);
    } else {
      // Never completed, so the gap is reported again at the next start.
      pending.remaining = 1;
    }
  }

  #forward(pending: PendingMessage, event: IncomingEvent): void {
    const { backends, state, queue, signal, fail } = this.#context;
    const { seq, task } = event;
    for (const backend of backends) {
      if (state.isDone(this.#number, seq, backend.name)) continue;
      pending.remaining += 1;
      // All events of a task are in one shard. An event without a task waits for no other.
      queue.add(`${backend.name} ${task ?? `${this.#number} ${seq}`}`, async () => {
        try {
          if (!(await backend.forward(event, signal))) return;
          pending.remaining -= 1;
          if (!this.#advance().includes(pending)) state.done(this.#number, seq, backend.name);
        } catch (error) {
          fail(error);
        }
      });
    }
  }

  /** Advances the cursor over all complete messages, and returns them. */
  #advance(): PendingMessage[] {
    const completed = this.#tracker.takeCompleted();
    const last = completed.at(-1);
    if (last === undefined) return completed;
    const seq = completed.reduce<number | null>((seq, message) => message.seq ?? seq, null);
    this.#context.state.advance(this.#number, last.id, seq);
    this.#cursor = last.id;
    for (const { bytes } of completed) this.#unacknowledgedBytes += bytes;
    const { pendingBytes } = this.#tracker;
    if (pendingBytes === 0 || this.#unacknowledgedBytes >= ACK_BYTES) this.#acknowledge();
    if (pendingBytes < RESUME_BYTES) this.stream.resume();
    return completed;
  }

  #acknowledge(): void {
    if (this.#cursor !== undefined) this.stream.acknowledge(this.#cursor);
    this.#unacknowledgedBytes = 0;
  }
}
