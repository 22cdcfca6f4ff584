import type { Message } from "../gateway/protocol.js";
import {
  ACK_BYTES,
  PAUSE_BYTES,
  RESUME_BYTES,
  Stream,
  type StreamHandler,
  type StreamSource,
} from "../gateway/stream.js";

/** A message that waits for its turn. */
export interface PendingMessage {
  readonly message: Message;
  readonly text: string;
}

/** What all shards of an export share. */
export interface ExportContext extends Omit<StreamSource, "shard" | "cursor"> {
  /** Something has come, or the backlog of a shard has ended. */
  arrived(): void;
  away(reason: string): void;
}

/** Reads what one shard has stored, until all of it has come. */
export class ExportShard implements StreamHandler {
  readonly stream: Stream;
  readonly #context: ExportContext;
  readonly #waiting: PendingMessage[] = [];
  #waitingBytes = 0;
  #unacknowledgedBytes = 0;
  /** Whether all that was stored has come. */
  isComplete = false;

  constructor(shard: number, cursor: string | undefined, context: ExportContext) {
    this.#context = context;
    this.stream = new Stream({ ...context, shard, cursor }, this);
  }

  /** The message that is next. */
  get first(): PendingMessage | undefined {
    return this.#waiting[0];
  }

  /** Takes the next message, which has been dealt with. */
  take(): void {
    const taken = this.#waiting.shift();
    if (taken === undefined) return;
    const { message, text } = taken;
    this.#waitingBytes -= text.length;
    this.#unacknowledgedBytes += text.length;
    if (this.#unacknowledgedBytes >= ACK_BYTES) {
      this.stream.acknowledge(message.id);
      this.#unacknowledgedBytes = 0;
    }
    if (this.#waitingBytes < RESUME_BYTES) this.stream.resume();
  }

  /** Ends the export of this shard before what is next. */
  end(): void {
    this.isComplete = true;
    this.#waiting.length = 0;
    this.stream.stop();
  }

  message(message: Message, text: string): void {
    if (message.type === "ready") {
      this.isComplete = true;
      this.stream.stop();
    } else {
      this.#waiting.push({ message, text });
      this.#waitingBytes += text.length;
      if (this.#waitingBytes > PAUSE_BYTES) this.stream.pause();
    }
    this.#context.arrived();
  }

  ignored(bytes: number): void {
    this.#unacknowledgedBytes += bytes;
  }

  away(reason: string): void {
    this.#context.away(reason);
  }
}
