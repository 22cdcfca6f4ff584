import { refusal } from "../core/engine.js";
import { numberOf, optionOf } from "../core/options.js";

/** What a store answers to a claim. */
export type Claim =
  /** The event is the caller's until the lease ends; writes can be fenced with the token. */
  | { readonly state: "claimed"; readonly fence: number }
  /** It was handled before. */
  | { readonly state: "done" }
  /** Another holds the lease, for so many milliseconds more. */
  | { readonly state: "busy"; readonly retryAfterMs: number };

/**
 * Remembers which events were handled, so that a repeat is not handled again.
 *
 * A claim is a lease: it ends by itself, so an event whose handler died can be claimed again. Each new
 * claim of a key has a higher fencing token than the one before it, and only the holder of the latest
 * one can commit or release. This makes handling at-least-once: a handler that outlives its lease may run
 * beside its successor.
 */
export interface IdempotencyStore {
  /** Claims a key for `leaseMs` milliseconds. */
  claim(key: string, leaseMs: number): Claim | Promise<Claim>;
  /** Remembers a key as done for `ttlMs` milliseconds; false when the claim is no longer the latest. */
  commit(key: string, fence: number, ttlMs: number): boolean | Promise<boolean>;
  /** Gives a claim back, if it is still the latest, so that the event can be claimed at once. */
  release(key: string, fence: number): void | Promise<void>;
}

/** How long a claim and a done key last, in milliseconds. */
export interface IdempotencyOptions {
  /** How long a claim lasts: by default 60 seconds, never less than the deadline. */
  leaseMs?: number | undefined;
  /** How long a done key is remembered: by default 3 days, and more than the 24 hours over which Vtryon retries. */
  ttlMs?: number | undefined;
}

/** The time over which Vtryon retries. */
export const DAY_MS: number = 24 * 60 * 60 * 1000;

/** The longest that a key is remembered: what a database still adds to a time in milliseconds. */
const MAX_TTL_MS = 1000 * 365 * DAY_MS;

/** Checks the options; `deadlineMs` is how long handling may take. Throws `invalid_option`. */
export function ttlOptions(
  options: IdempotencyOptions,
  deadlineMs: number,
): { leaseMs: number; ttlMs: number } {
  const lease = [
    deadlineMs,
    DAY_MS,
    "a whole number of milliseconds from `deadlineMs` to 24 hours",
  ] as const;
  const ttl = [DAY_MS + 1, MAX_TTL_MS, "a whole number of milliseconds over 24 hours"] as const;
  return {
    leaseMs: numberOf(options, "leaseMs", Math.max(60_000, deadlineMs), lease),
    ttlMs: numberOf(options, "ttlMs", 3 * DAY_MS, ttl),
  };
}

/** Checks that the option `store`, where there is one, is a store. Throws `invalid_option`. */
export function checkStore(options: unknown): void {
  const store = optionOf(options, "store");
  if (store === undefined) return;
  for (const method of ["claim", "commit", "release"]) {
    if (typeof optionOf(store, method) === "function") continue;
    throw refusal("invalid_option", `\`store\` has no method \`${method}\``);
  }
}

/**
 * Runs `work` unless it was done before: claim, work, commit.
 *
 * Throws `unavailable` while another holds the key, and when the lease was lost before the commit. Where `work` fails
 * and the claim can't be given back either, the second fault goes to `report`.
 */
export async function withIdempotency(
  store: IdempotencyStore,
  key: string,
  { leaseMs, ttlMs }: { leaseMs: number; ttlMs: number },
  work: (fence: number) => unknown,
  report: (fault: unknown) => void,
): Promise<void> {
  const claim = await store.claim(key, leaseMs);
  if (claim.state === "done") return;
  if (claim.state === "busy") {
    const retryAfterMs = claim.retryAfterMs;
    throw refusal("unavailable", "the event is being handled already", { retryAfterMs });
  }
  // Anything else is no word of a store's: to take it for a claim would let repeats through.
  if (claim.state !== "claimed") throw refusal("unavailable", "the store gave no claim");
  try {
    await work(claim.fence);
  } catch (fault) {
    try {
      await store.release(key, claim.fence);
    } catch (second) {
      // It must not hide what failed first; the lease ends by itself.
      report(second);
    }
    throw fault;
  }
  if (!(await store.commit(key, claim.fence, ttlMs))) {
    throw refusal("unavailable", "the lease ended before the event was handled");
  }
}
