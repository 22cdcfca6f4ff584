// What a store is, and the options that belong to it.

import { webhookError } from "../core/engine.js";
import { integerOption, readOption } from "../core/options.js";

/** The result of a claim. */
export type Claim =
  /** The caller holds the key until the lease ends. `fence` is the fencing token for its writes. */
  | { readonly state: "claimed"; readonly fence: number }
  /** The event was handled before. */
  | { readonly state: "done" }
  /** Another caller holds the lease, for `retryAfterMs` more. */
  | { readonly state: "busy"; readonly retryAfterMs: number };

/**
 * Stores which events were handled, so that duplicates are not handled again.
 *
 * A claim is a lease: it ends by itself, so an event whose handler died can be claimed again. Each claim of a key has
 * a higher fencing token than the one before it, and only the latest can be committed or released. Handling is
 * at-least-once: a handler that outlives its lease may run concurrently with the next one.
 */
export interface IdempotencyStore {
  /** Claims a key for `leaseMs` milliseconds. */
  claim(key: string, leaseMs: number): Claim | Promise<Claim>;
  /** Marks a key as done for `ttlMs` milliseconds; returns false if the claim is no longer the latest. */
  commit(key: string, fence: number, ttlMs: number): boolean | Promise<boolean>;
  /** Releases a claim, if it is still the latest, so that the key can be claimed at once. */
  release(key: string, fence: number): void | Promise<void>;
}

/** How long claims and done keys last, in milliseconds. */
export interface IdempotencyOptions {
  /** How long a claim lasts: by default 60 seconds, at least the deadline. */
  leaseMs?: number | undefined;
  /** How long a done key is kept: by default 3 days, always more than the 24 hours over which Vtryon retries. */
  ttlMs?: number | undefined;
}

/** The time over which Vtryon retries. */
export const DAY_MS: number = 24 * 60 * 60 * 1000;

/** The longest time to keep a key; databases can still add it to a time in milliseconds. */
const MAX_TTL_MS = 1000 * 365 * DAY_MS;

/** Reads the options. `deadlineMs` is how long handling may take. Throws `invalid_option`. */
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
    leaseMs: integerOption(options, "leaseMs", Math.max(60_000, deadlineMs), lease),
    ttlMs: integerOption(options, "ttlMs", 3 * DAY_MS, ttl),
  };
}

/** Checks that the option `store` is a store, or absent. Throws `invalid_option`. */
export function checkStore(options: unknown): void {
  const store = readOption(options, "store");
  if (store === undefined) return;
  for (const method of ["claim", "commit", "release"]) {
    if (typeof readOption(store, method) === "function") continue;
    throw webhookError("invalid_option", `\`store\` has no method \`${method}\``);
  }
}
