import type { HttpResult } from "../../testing/http-client.js";
import type { Planned } from "./plan.js";

/**
 * The wait after each attempt, in milliseconds: up to 5 retries over 24 hours with exponential backoff. Vtryon's guide
 * does not specify the steps; these are those of the gateway's own deliveries, without jitter.
 */
export const BACKOFF_MS: readonly number[] = [110_000, 550_000, 2_750_000, 13_750_000, 68_750_000];

/** One attempt, and whether it is retried. */
export interface Attempt {
  readonly planned: Planned;
  /** 1 for the first. */
  readonly number: number;
  readonly result: HttpResult;
  /** Whether the answer is right: a valid event is accepted, a forgery refused. */
  readonly ok: boolean;
  /** The wait before the next attempt, in milliseconds before scaling; null if there is none. */
  readonly retryInMs: number | null;
}

/** The options of deliveries. */
export interface Pace {
  /** The maximum number of retries. */
  readonly retries: number;
  /** By which factor waits are shortened. */
  readonly timeScale: number;
}

/** Delivers events in order. A retry is sent when it is due and does not delay later events. */
export async function* deliver(
  all: readonly Planned[],
  { retries, timeScale }: Pace,
  post: (planned: Planned) => Promise<HttpResult>,
): AsyncGenerator<Attempt> {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) * timeScale;
  const due = all.map((planned) => ({ planned, number: 1, at: 0 }));
  for (let next = due.shift(); next !== undefined; next = due.shift()) {
    const { planned, number, at } = next;
    const wait = (at - elapsed()) / timeScale;
    if (wait > 0) await new Promise((rested) => setTimeout(rested, wait));
    const result = await post(planned);
    const verdict = judge(planned, result);
    const backoff = number > retries ? undefined : BACKOFF_MS[number - 1];
    const retryInMs = verdict === "retry" ? (backoff ?? null) : null;
    if (retryInMs !== null) {
      due.push({ planned, number: number + 1, at: elapsed() + retryInMs });
      due.sort((one, other) => one.at - other.at);
    }
    yield { planned, number, result, ok: verdict === "ok", retryInMs };
  }
}

/** Vtryon retries after every answer but 2xx. A forgery is not retried once it was refused or accepted. */
function judge({ forged }: Planned, result: HttpResult): "ok" | "wrong" | "retry" {
  const kind = "failure" in result ? 0 : Math.floor(result.status / 100);
  if (forged === null) return kind === 2 ? "ok" : "retry";
  if (kind === 4) return "ok";
  return kind === 2 ? "wrong" : "retry";
}
