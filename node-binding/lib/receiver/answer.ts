// The HTTP answers of a receiver.

import { callCore } from "../core/engine.js";
import { WebhookError } from "../core/error.js";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The default `Retry-After`, in seconds. */
const RETRY_AFTER = 10;

/** The answer to an event that was accepted. */
export const ACKNOWLEDGED: Answer = answer(200, { received: true });

/** Answers a request that failed with the little that unauthenticated clients may know of the error. */
export function errorAnswer(error: unknown): Answer {
  const code = WebhookError.is(error) ? error.code : "unavailable";
  try {
    return callCore((core) => {
      // Another copy of the package may have codes that this core does not know.
      const [, publicCode] = core.describe(code) ?? core.describe("unavailable");
      const [status, , summary, hint] = core.describe(publicCode);
      // 500 is a mistake in the receiver's own program. The hint helps its developer.
      const message = status === 500 ? `${summary}: ${hint}` : summary;
      return answer(status, { error: publicCode, message }, headersFor(status));
    });
  } catch {
    // The core could not be started.
    return answer(503, { error: "unavailable", message: "try again later" }, headersFor(503));
  }
}

/** Answers a request that was passed to the adapter of another framework. */
export function misuseAnswer(message: string): Answer {
  return answer(500, { error: "invalid_option", message });
}

/** Answers 503 so that Vtryon retries, after the time that the error names. */
export function retryLaterAnswer(error: unknown): Answer {
  // A store may return anything.
  const wait: unknown = WebhookError.is(error) ? error.retryAfterMs : undefined;
  const isKnown = typeof wait === "number" && Number.isFinite(wait);
  const seconds = isKnown ? Math.max(1, Math.ceil(wait / 1000)) : RETRY_AFTER;
  const { status, headers, body } = errorAnswer(undefined);
  return { status, headers: { ...headers, "retry-after": `${seconds}` }, body };
}

/** Returns the headers that a status requires (RFC 9110, 10.2.1 and 10.2.3). */
function headersFor(status: number): Record<string, string> {
  if (status === 405) return { allow: "POST" };
  if (status === 503) return { "retry-after": `${RETRY_AFTER}` };
  return {};
}

function answer(status: number, value: object, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(value),
  };
}
