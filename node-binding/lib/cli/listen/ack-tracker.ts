/** A message under way. */
export interface Item {
  readonly id: string;
  /** null for what is no event. */
  readonly seq: number | null;
  readonly bytes: number;
  /** In how many places it has still to be done. */
  left: number;
}

/**
 * How far a shard's stream was worked through. Messages come in order and are done in any; the place moves
 * up to the first one that is not done.
 */
export class AckTracker {
  readonly #items: Item[] = [];
  /** How many bytes wait to be done. */
  waiting = 0;

  /** Takes a message in. */
  add(item: Item): void {
    this.#items.push(item);
    this.waiting += item.bytes;
  }

  /** Takes out all that is done with nothing undone before it, in order. */
  pass(): Item[] {
    const undone = this.#items.findIndex(({ left }) => left > 0);
    const passed = this.#items.splice(0, undone < 0 ? this.#items.length : undone);
    for (const { bytes } of passed) this.waiting -= bytes;
    return passed;
  }
}
