import { WebhookError } from "../core/error.js";

/**
 * How far a request had come when something went wrong: its signature was not verified yet, so it may be
 * a stranger's; it was, and the body can't be read; or an event of Vtryon's is being handled.
 */
export type Stage = "unverified" | "unreadable" | "verified";

/** How long a fault of the same code is not logged again that strangers could cause, in milliseconds. */
const QUIET_MS = 10_000;

/** Reports what went wrong: to `onError` where there is one, else to the log where it concerns the receiver. */
export class FaultLog {
  readonly #onError: ((error: unknown) => unknown) | undefined;
  /** Until when a code is not logged, and how often it has come since. */
  readonly #quiet = new Map<string, { until: number; count: number }>();

  constructor(onError: ((error: unknown) => unknown) | undefined) {
    this.#onError = onError;
  }

  /** Never throws: a log that fails changes nothing about the answer. */
  report(fault: unknown, stage: Stage): void {
    try {
      if (this.#onError !== undefined) {
        const told: unknown = this.#onError(fault);
        Promise.resolve(told).catch(() => {});
        return;
      }
      const error = WebhookError.is(fault) ? fault : undefined;
      if (!concerns(error, stage)) return;
      const words = error ? `${error.code}: ${error.message} (${error.hint})` : fault;
      if (stage !== "unverified") console.error("vtryon-webhooks:", words);
      else this.#logSeldom(error?.code ?? "", words);
    } catch {
      // Nothing is left to report it to.
    }
  }

  /** Logs a fault at most every 10 seconds, with how often it came meanwhile. */
  #logSeldom(code: string, words: unknown): void {
    const now = Date.now();
    const quiet = this.#quiet.get(code);
    if (quiet !== undefined && now < quiet.until) {
      quiet.count += 1;
      return;
    }
    const more = quiet?.count ? [`(and ${quiet.count} times before)`] : [];
    this.#quiet.set(code, { until: now + QUIET_MS, count: 0 });
    console.error("vtryon-webhooks:", words, ...more);
  }
}

/** Tells whether a fault is the receiver's: strangers fill no log, and an event that is being handled is no fault. */
function concerns(error: WebhookError | undefined, stage: Stage): boolean {
  if (error === undefined || stage === "unreadable") return true;
  if (stage === "verified") return error.retryAfterMs === undefined;
  // A secret that is missing, a body that was read before, a verifier that stopped.
  return error.status >= 500;
}
