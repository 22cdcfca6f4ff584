import type { HttpResult } from "../../testing/http-client.js";
import type { Planned } from "./plan.js";

/**
 * How long after each attempt the next one comes, in milliseconds: up to 5 retries over 24 hours with
 * exponential backoff. Vtryon's guide does not spell the steps; these are those of the gateway's own
 * deliveries, without their jitter.
 */
export const BACKOFF_MS: readonly number[] = [110_000, 550_000, 2_750_000, 13_750_000, 68_750_000];

/** One attempt, and what follows from it. */
export interface Attempt {
  readonly planned: Planned;
  /** 1 for the first. */
  readonly number: number;
  readonly outcome: HttpResult;
  /** Whether it came out as it has to: taken, or refused where it is a forgery. */
  readonly ok: boolean;
  /** When the next one comes, in milliseconds of Vtryon's time; null when there is none. */
  readonly retryInMs: number | null;
}

/** How events are delivered. */
export interface Pace {
  /** How many retries there are at most. */
  readonly retries: number;
  /** How many times faster than Vtryon's time passes. */
  readonly timeScale: number;
}

/** Delivers events in order. A retry comes when it is due and does not hold up the events after it. */
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
    const outcome = await post(planned);
    const verdict = judge(planned, outcome);
    const backoff = number > retries ? undefined : BACKOFF_MS[number - 1];
    const retryInMs = verdict === "again" ? (backoff ?? null) : null;
    if (retryInMs !== null) {
      due.push({ planned, number: number + 1, at: elapsed() + retryInMs });
      due.sort((one, other) => one.at - other.at);
    }
    yield { planned, number, outcome, ok: verdict === "ok", retryInMs };
  }
}

/** Vtryon comes again for every answer but 2xx. A forgery is done with once it was refused or taken. */
function judge({ forged }: Planned, outcome: HttpResult): "ok" | "wrong" | "again" {
  const kind = "none" in outcome ? 0 : Math.floor(outcome.status / 100);
  if (forged === null) return kind === 2 ? "ok" : "again";
  if (kind === 4) return "ok";
  return kind === 2 ? "wrong" : "again";
}
