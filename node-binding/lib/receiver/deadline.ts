import { refusal } from "../core/engine.js";
import type { WebhookError } from "../core/error.js";

/** The time that one request has for reading and handling together. Only who asks for its signal pays for one. */
export class Deadline {
  isOver = false;
  /** Whether the body is being read: a sender that stalls is told so. */
  isReading = false;
  readonly #clock = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  #giveUp: ((fault: WebhookError) => void) | undefined;

  /** Begins now, and lasts so many milliseconds. */
  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#pass(), ms);
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#clock.signal;
  }

  /** Waits for work, but no longer than until the deadline; `late` is told what fails after that. */
  wait(work: Promise<void>, late: (fault: unknown) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      work.then(resolve, (fault) => (this.isOver ? late(fault) : reject(fault)));
    });
  }

  /** Throws when the time is over. */
  check(): void {
    if (this.isOver) throw this.#passed();
  }

  /** Stops the clock. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #pass(): void {
    this.isOver = true;
    this.#clock.abort();
    this.#giveUp?.(this.#passed());
  }

  #passed(): WebhookError {
    if (this.isReading) return refusal("body_timeout");
    return refusal("unavailable", "the deadline has passed");
  }
}
