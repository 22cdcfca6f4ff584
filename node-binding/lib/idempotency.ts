import { refusal } from "./engine.js";

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
  /** How long a claim lasts: by default 60 seconds, at least as long as the deadline. */
  leaseMs?: number | undefined;
  /** How long a done key is remembered: by default 3 days, and more than the 24 hours over which Vtryon retries. */
  ttlMs?: number | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Checks the options; `deadlineMs` is how long handling may take. Throws `invalid_option`. */
export function lasting(
  { leaseMs = 60_000, ttlMs = 3 * DAY_MS }: IdempotencyOptions,
  deadlineMs: number,
): { leaseMs: number; ttlMs: number } {
  if (!(leaseMs >= deadlineMs && leaseMs <= DAY_MS)) {
    throw refusal("invalid_option", "`leaseMs` is not from `deadlineMs` to 24 hours");
  }
  if (!(ttlMs > DAY_MS && ttlMs < Number.MAX_SAFE_INTEGER)) {
    throw refusal("invalid_option", "`ttlMs` is not more than 24 hours");
  }
  return { leaseMs, ttlMs };
}

/**
 * Runs `work` unless it was done before: claim, work, commit.
 *
 * Throws `unavailable` while another holds the key, and when the lease was lost before the commit.
 */
export async function once(
  store: IdempotencyStore,
  key: string,
  { leaseMs, ttlMs }: { leaseMs: number; ttlMs: number },
  work: (fence: number) => unknown,
): Promise<void> {
  const claim = await store.claim(key, leaseMs);
  if (claim.state === "done") return;
  if (claim.state === "busy") {
    const retryAfterMs = claim.retryAfterMs;
    throw refusal("unavailable", "the event is being handled already", { retryAfterMs });
  }
  try {
    await work(claim.fence);
  } catch (fault) {
    try {
      await store.release(key, claim.fence);
    } catch {
      // It must not hide what failed first; the lease ends by itself.
    }
    throw fault;
  }
  if (!(await store.commit(key, claim.fence, ttlMs))) {
    throw refusal("unavailable", "the lease ended before the event was handled");
  }
}
