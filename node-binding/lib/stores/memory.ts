import { checkFunctionOption, checkOptions, integerOption, readEnv } from "../core/options.js";
import type { Claim, IdempotencyStore } from "./idempotency.js";
import { type NamespaceOptions, namespacedBy } from "./namespace.js";

export interface MemoryStoreOptions extends NamespaceOptions {
  /** The maximum number of keys, done and leased together: by default 100000. */
  maxKeys?: number | undefined;
  /** The clock, in milliseconds since 1970. */
  now?: (() => number) | undefined;
}

interface Entry {
  readonly fence: number;
  readonly expiresAt: number;
}

/** How long an ended lease is kept, so that a late handler can still commit. */
const ENDED_LEASE_MS = 60 * 60 * 1000;

/** The upper limit is that of a Map. */
const MAX_KEYS = [1, 2 ** 24, "a whole number from 1 to 16777216"] as const;

let warned = false;

/**
 * Stores keys in memory: for development, tests, and a single process whose handler tolerates duplicates.
 *
 * It is not shared between processes and is empty after a restart, so it warns once if `NODE_ENV` is `production`. When
 * it is full, the oldest done keys are dropped early, but never a live lease: if only those are left, a new key is
 * `busy`.
 */
export class MemoryStore implements IdempotencyStore {
  readonly #maxKeys: number;
  readonly #now: () => number;
  /** Leased keys, in the order of their claims. */
  readonly #leased = new Map<string, Entry>();
  /** Done keys, in the order of their commits. */
  readonly #done = new Map<string, Entry>();
  /** The latest token of all keys, so that a dropped key can't get an old token again. */
  #fence = 0;

  /** Throws `invalid_option`. */
  constructor(options: MemoryStoreOptions = {}) {
    checkOptions(options, ["maxKeys", "now", "namespace"]);
    this.#maxKeys = integerOption(options, "maxKeys", 100_000, MAX_KEYS);
    checkFunctionOption(options, "now");
    this.#now = options?.now ?? Date.now;
    // Without effect, since the memory is not shared. Validated so that stores are interchangeable.
    namespacedBy(options);
    if (!warned && readEnv("NODE_ENV") === "production") {
      warned = true;
      console.warn(
        "vtryon-webhooks: MemoryStore forgets at every restart and is not shared between processes; " +
          "use SqliteStore or PostgresStore in production",
      );
    }
  }

  claim(key: string, leaseMs: number): Claim {
    const now = this.#now();
    this.#dropExpired(now);
    const done = this.#done.get(key);
    if (done !== undefined && done.expiresAt > now) return { state: "done" };
    const lease = this.#leased.get(key);
    if (lease !== undefined && lease.expiresAt > now) return busy(lease, now);
    this.#done.delete(key);
    this.#leased.delete(key);
    const oldestLease = this.#makeRoom(now);
    if (oldestLease !== undefined) return busy(oldestLease, now);
    // Tokens are at least the time, so that they also rise after a restart.
    const fence = Math.max(this.#fence + 1, now);
    this.#fence = fence;
    this.#leased.set(key, { fence, expiresAt: now + leaseMs });
    return { state: "claimed", fence };
  }

  commit(key: string, fence: number, ttlMs: number): boolean {
    const held = this.#leased.get(key) ?? this.#done.get(key);
    if (held?.fence !== fence) return false;
    this.#leased.delete(key);
    this.#done.delete(key);
    this.#done.set(key, { fence, expiresAt: this.#now() + ttlMs });
    return true;
  }

  release(key: string, fence: number): void {
    if (this.#leased.get(key)?.fence === fence) this.#leased.delete(key);
  }

  /** Drops expired keys. Called at each claim instead of by a timer, which would keep the process alive. */
  #dropExpired(now: number): void {
    for (const [key, { expiresAt }] of this.#done) {
      if (expiresAt > now) break;
      this.#done.delete(key);
    }
    for (const [key, { expiresAt }] of this.#leased) {
      if (expiresAt + ENDED_LEASE_MS > now) break;
      this.#leased.delete(key);
    }
  }

  /** Makes room for one key. Returns the oldest lease if there are only live leases. */
  #makeRoom(now: number): Entry | undefined {
    if (this.#leased.size + this.#done.size < this.#maxKeys) return undefined;
    for (const oldest of this.#done.keys()) {
      this.#done.delete(oldest);
      return undefined;
    }
    for (const [key, lease] of this.#leased) {
      if (lease.expiresAt > now) continue;
      this.#leased.delete(key);
      return undefined;
    }
    return this.#leased.values().next().value;
  }
}

function busy(lease: Entry, now: number): Claim {
  return { state: "busy", retryAfterMs: lease.expiresAt - now };
}
