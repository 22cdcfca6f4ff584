/** A message of a stream that is being processed. */
export interface PendingMessage {
  readonly id: string;
  /** null for a message that is no event. */
  readonly seq: number | null;
  readonly bytes: number;
  /** The number of backends that have not got it yet. */
  remaining: number;
}

/**
 * Tracks which messages of a stream can be acknowledged. They arrive in order and complete in any order; a message can
 * be acknowledged once it and all before it are complete.
 */
export class AckTracker {
  readonly #messages: PendingMessage[] = [];
  /** The size of all messages that were not taken out. */
  pendingBytes = 0;

  /** Adds a message at the end. */
  add(message: PendingMessage): void {
    this.#messages.push(message);
    this.pendingBytes += message.bytes;
  }

  /** Removes and returns all complete messages that have no incomplete one before them, in order. */
  takeCompleted(): PendingMessage[] {
    const incomplete = this.#messages.findIndex(({ remaining }) => remaining > 0);
    const count = incomplete < 0 ? this.#messages.length : incomplete;
    const completed = this.#messages.splice(0, count);
    for (const { bytes } of completed) this.pendingBytes -= bytes;
    return completed;
  }
}
