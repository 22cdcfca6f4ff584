import { WebhookError } from "../core/error.js";
import { generatorError } from "../core/options.js";
import { describeThrown } from "./thrown.js";

/**
 * How far a request had come when it failed. `unverified`: its signature was not verified, so anybody may have sent
 * it. `unreadable`: its signature is right, and its body is no event. `verified`: its event was being handled.
 */
export type Stage = "unverified" | "unreadable" | "verified";

/** How long an error code that anybody can cause is not logged again, in milliseconds. */
const LOG_INTERVAL_MS = 10_000;

/** Reports errors to `onError` if there is one, else logs those that concern the receiver, without what is secret. */
export class ErrorReporter {
  readonly #onError: ((error: unknown) => unknown) | undefined;
  /** By code: until when it is not logged, and how often it has occurred since. */
  readonly #suppressed = new Map<string, { until: number; count: number }>();

  constructor(onError: ((error: unknown) => unknown) | undefined) {
    this.#onError = onError;
  }

  /** Reports an error. Never throws, since reporting must not change the answer. */
  report(error: unknown, stage: Stage): void {
    try {
      if (this.#onError !== undefined) {
        Promise.resolve(this.#onError(error))
          .then(logGenerator)
          .catch(() => {});
        return;
      }
      const known = WebhookError.is(error) ? error : undefined;
      if (!isLogged(known, stage)) return;
      const message = known
        ? `${known.code}: ${known.message} (${known.hint})`
        : `unavailable: ${describeThrown(error)}`;
      if (stage !== "unverified") console.error("vtryon-webhooks:", message);
      else this.#logRarely(known?.code ?? "", message);
    } catch {
      // `onError` or the console has thrown.
    }
  }

  /** Logs a code at most every 10 seconds, with the number of occurrences in between. */
  #logRarely(code: string, message: string): void {
    // The monotonic clock: after the other one has been set back, this would be silent.
    const now = performance.now();
    const suppressed = this.#suppressed.get(code);
    if (suppressed !== undefined && now < suppressed.until) {
      suppressed.count += 1;
      return;
    }
    const more = suppressed?.count ? [`(and ${suppressed.count} times before)`] : [];
    this.#suppressed.set(code, { until: now + LOG_INTERVAL_MS, count: 0 });
    console.error("vtryon-webhooks:", message, ...more);
  }
}

/** Logs that `onError` has returned a generator, since then nobody has got the error. */
function logGenerator(result: unknown): void {
  const refused = generatorError(result, "onError");
  if (refused) console.error("vtryon-webhooks:", `${refused.code}: ${refused.message}`);
}

/**
 * Returns whether an error is logged. Errors that clients cause are not, except a wrong signature, which may be due to
 * a wrong secret here. Neither is an event that another request is handling.
 */
function isLogged(error: WebhookError | undefined, stage: Stage): boolean {
  if (error === undefined || stage === "unreadable") return true;
  if (stage === "verified") return error.retryAfterMs === undefined;
  // A missing secret, a body that was read before, a verifier that stopped.
  return error.status >= 500 || error.code === "signature_mismatch";
}
