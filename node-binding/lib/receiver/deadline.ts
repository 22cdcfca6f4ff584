import { webhookError } from "../core/engine.js";
import type { WebhookError } from "../core/error.js";

/** The time limit of one request, for reading and handling together. */
export class Deadline {
  /** What a request is answered when the time is over; undefined until then. */
  error: WebhookError | undefined;
  /** What the request waits for before it is verified. If the time is over while it is the body, the sender is at fault. */
  awaits: "nothing" | "secrets" | "body" = "nothing";
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  #reject: ((error: WebhookError) => void) | undefined;

  /** Starts the timer. */
  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#expire(), ms);
  }

  get isOver(): boolean {
    return this.error !== undefined;
  }

  /** Aborted when the time is over. Created on demand by the runtime, since it is expensive. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for `work`, at most until the deadline. `onLateError` gets an error that comes after it. */
  wait(work: Promise<void>, onLateError: (error: unknown) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      work.then(resolve, (error) => (this.isOver ? onLateError(error) : reject(error)));
    });
  }

  /** Throws if the time is over. */
  check(): void {
    if (this.error !== undefined) throw this.error;
  }

  /** Stops the timer. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #expire(): void {
    this.error =
      this.awaits === "body"
        ? webhookError("body_timeout")
        : webhookError("unavailable", "the deadline has passed");
    this.#controller.abort();
    this.#reject?.(this.error);
  }
}
