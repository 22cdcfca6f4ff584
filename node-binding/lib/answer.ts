import { call } from "./engine.js";
import { WebhookError } from "./error.js";

/** What a receiver answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** When to come again, in milliseconds, where nothing is known. */
const RETRY_AFTER_MS = 10_000;

/** The answer to an event that was taken. */
export function acknowledged(): Answer {
  return answer(200, { received: true });
}

/** Tells a stranger of a fault what the core says that a stranger may be told. */
export function refused(fault: unknown): Answer {
  const error = WebhookError.is(fault) ? fault : undefined;
  const [, shown] = call((core) => core.describe(error?.code ?? "unavailable"));
  const [status, , summary, hint] = call((core) => core.describe(shown));
  // A fault of the receiver's own program: whoever sees it has to mend it.
  const message = status === 500 ? `${summary}: ${hint}` : summary;
  return answer(status, { error: shown, message }, needed(status, error?.retryAfterMs));
}

/** The headers that a status asks for (RFC 9110, 10.2.1 and 10.2.3). */
function needed(status: number, retryAfterMs = RETRY_AFTER_MS): Record<string, string> {
  if (status === 405) return { allow: "POST" };
  if (status === 503) return { "retry-after": `${Math.max(1, Math.ceil(retryAfterMs / 1000))}` };
  return {};
}

function answer(status: number, value: object, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(value),
  };
}
