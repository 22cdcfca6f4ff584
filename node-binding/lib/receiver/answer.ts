import { call } from "../core/engine.js";
import { WebhookError } from "../core/error.js";

/** What a receiver answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** When to come again, in seconds, where nothing is known. */
const RETRY_AFTER = 10;

/** The answer to an event that was taken. */
export const ACKNOWLEDGED: Answer = answer(200, { received: true });

/** Tells a stranger of a fault what the core says that a stranger may be told. */
export function refused(fault: unknown): Answer {
  const code = WebhookError.is(fault) ? fault.code : "unavailable";
  try {
    return call((core) => {
      // A newer copy of the package may know codes that this one does not.
      const [, shown] = core.describe(code) ?? core.describe("unavailable");
      const [status, , summary, hint] = core.describe(shown);
      // A fault of the receiver's own program: whoever sees it has to mend it.
      const message = status === 500 ? `${summary}: ${hint}` : summary;
      return answer(status, { error: shown, message }, needed(status));
    });
  } catch {
    // Where the core can't even be started.
    return answer(503, { error: "unavailable", message: "try again later" }, needed(503));
  }
}

/** Tells whoever has paired an adapter with another framework what to do. */
export function misused(message: string): Answer {
  return answer(500, { error: "invalid_option", message });
}

/** Asks for a signed event to come again: when the fault says, if it says so. */
export function postponed(fault: unknown): Answer {
  // What a store says is a stranger's word too.
  const wait: unknown = WebhookError.is(fault) ? fault.retryAfterMs : undefined;
  const isKnown = typeof wait === "number" && Number.isFinite(wait);
  const seconds = isKnown ? Math.max(1, Math.ceil(wait / 1000)) : RETRY_AFTER;
  const { status, headers, body } = refused(undefined);
  return { status, headers: { ...headers, "retry-after": `${seconds}` }, body };
}

/** The headers that a status asks for (RFC 9110, 10.2.1 and 10.2.3). */
function needed(status: number): Record<string, string> {
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
