// What an import prints: how far it has come, and which lines were refused.

import { plain } from "../common/format.js";
import { counted, Progress } from "../common/progress.js";
import { Reachability } from "../gateway/reachability.js";
import type { Batch } from "./batches.js";
import type { Position } from "./position.js";
import type { BatchResult } from "./request.js";

/** How many refused lines are named. */
const NAMED = 20;

const verb = (count: number) => (count === 1 ? "was" : "were");

/** Formats a number with its verb: `1 was`, `12,345 were`. */
const were = (count: number) => `${count.toLocaleString("en-US")} ${verb(count)}`;

/** Prints how far an import has come, and which lines were refused. */
export class Report {
  readonly #progress: Progress;
  #size = 0;
  #stored = 0;
  #erased = 0;
  #duplicates = 0;
  #capped = 0;
  refused = 0;
  readonly #reachability: Reachability;

  constructor(gateway: URL, progress: Progress = new Progress()) {
    this.#progress = progress;
    this.#reachability = new Reachability(gateway, (line) => progress.say(line));
  }

  /** `found` is how far the file was imported before, and `position` where it goes on. */
  begin(size: number, found: Position, position: Position): void {
    this.#size = size;
    if (found.lines === 0) return;
    const before = `${counted(found.lines, "line")} ${verb(found.lines)} imported before`;
    const isNew = position.lines === 0;
    this.#progress.say(
      isNew
        ? `${before}, but the gateway has not all of them: beginning anew`
        : `${before}: going on after them`,
    );
  }

  /**
   * Counts the lines that the probe of `isStored` has stored. They are sent once more and then come back as duplicates,
   * which are taken off here.
   */
  countProbe({ stored, erased }: BatchResult): void {
    this.#stored += stored - erased;
    this.#erased += erased;
    this.#duplicates -= stored;
  }

  sent({ linesBefore, end }: Batch, result: BatchResult): void {
    this.#reachability.reached();
    this.#stored += result.stored - result.erased;
    this.#erased += result.erased;
    this.#duplicates += result.duplicates;
    this.#capped += result.capped;
    for (const { line, error, message } of result.refused) {
      if (this.refused < NAMED) {
        this.#progress.say(`line ${linesBefore + line}: ${plain(error)}: ${plain(message)}`);
      }
      this.refused += 1;
    }
    const events = counted(this.#stored + this.#duplicates, "event");
    if (this.#size > 0) this.#progress.update(end / this.#size, events);
  }

  away(reason: string): void {
    this.#reachability.away(reason);
  }

  /** Prints what became of the events; returns how many were refused. */
  done(): number {
    if (this.refused > NAMED) {
      this.#progress.say(`… and ${counted(this.refused - NAMED, "line")} more`);
    }
    const notes = [
      `imported ${counted(this.#stored, "event")}`,
      `${were(this.#duplicates)} stored already`,
      ...(this.#erased > 0 ? [`${counted(this.#erased, "task")} erased`] : []),
      ...(this.#capped > 0 ? [`${were(this.#capped)} left out: too many unknown statuses`] : []),
      ...(this.refused > 0 ? [`${were(this.refused)} refused`] : []),
    ];
    this.#progress.say(notes.join(", "));
    return this.refused;
  }
}
