import { checkFunctionOption, integerOption, readEnv } from "../core/options.js";
import type { Claim, IdempotencyStore } from "./idempotency.js";
import { type NamespaceOptions, namespacedBy } from "./namespace.js";

export interface MemoryStoreOptions extends NamespaceOptions {
  /** How many keys are kept, done and claimed together: by default 100000. */
  maxKeys?: number | undefined;
  /** The clock, in milliseconds since 1970. */
  now?: (() => number) | undefined;
}

interface Entry {
  readonly fence: number;
  readonly expiresAt: number;
}

/** How long an ended lease is kept for a handler that commits late. */
const LEASE_KEPT_MS = 60 * 60 * 1000;

/** As many as a Map holds. */
const MAX_KEYS = [1, 2 ** 24, "a whole number from 1 to 16777216"] as const;

let warned = false;

/**
 * Remembers keys in memory: for development, for tests, and for one process whose handler bears repeats.
 *
 * Other processes know nothing of it and a restart empties it, so it warns once where `NODE_ENV` is
 * `production`. When it is full, the oldest done keys are forgotten before their time, but never a live
 * lease: where only those are left, a new key is `busy`.
 */
export class MemoryStore implements IdempotencyStore {
  readonly #maxKeys: number;
  readonly #now: () => number;
  /** In the order of their claims. */
  readonly #leased = new Map<string, Entry>();
  /** In the order of their commits. */
  readonly #done = new Map<string, Entry>();
  /** The latest token of any key: what is forgotten of one can't bring an old token back. */
  #fence = 0;

  /** Throws `invalid_option`. */
  constructor(options: MemoryStoreOptions = {}) {
    this.#maxKeys = integerOption(options, "maxKeys", 100_000, MAX_KEYS);
    checkFunctionOption(options, "now");
    this.#now = options?.now ?? Date.now;
    // Nobody shares this memory: it is only checked, so that stores can be exchanged.
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
    this.#forgetExpired(now);
    const done = this.#done.get(key);
    if (done !== undefined && done.expiresAt > now) return { state: "done" };
    const lease = this.#leased.get(key);
    if (lease !== undefined && lease.expiresAt > now) return busy(lease, now);
    this.#done.delete(key);
    this.#leased.delete(key);
    const lasting = this.#makeRoom(now);
    if (lasting !== undefined) return busy(lasting, now);
    // Tokens go with the time so that they rise over a restart too.
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

  /** Expiry without a timer, which would keep the process alive: each claim clears what lies before it. */
  #forgetExpired(now: number): void {
    for (const [key, { expiresAt }] of this.#done) {
      if (expiresAt > now) break;
      this.#done.delete(key);
    }
    for (const [key, { expiresAt }] of this.#leased) {
      if (expiresAt + LEASE_KEPT_MS > now) break;
      this.#leased.delete(key);
    }
  }

  /** Makes room for one key; returns the oldest lease where all keys are leased and none has ended. */
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
