// Stores claims in Redis, for receivers in several processes on several machines.

/**
 * Reads the server's clock, which all clients share, and the hash of the key: `state` (`leased` or `done`), `fence`
 * and `ends` (milliseconds since 1970).
 */
const READ = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local state, fence, ends = unpack(redis.call('HMGET', KEYS[1], 'state', 'fence', 'ends'))`;

/** Keeps the hash for a day after its end: it has the latest token, and later tokens must be higher. */
const EXPIRE = (ms) => `
  redis.call('PEXPIRE', KEYS[1], ${ms} + 86400000)`;

const CLAIM = `${READ}
  if ends and tonumber(ends) > now then return {state, ends - now} end
  fence = math.max((fence or 0) + 1, now)
  redis.call('HSET', KEYS[1], 'state', 'leased', 'fence', fence, 'ends', now + ARGV[1])
  ${EXPIRE("ARGV[1]")}
  return {'claimed', fence}`;

const COMMIT = `${READ}
  if fence ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'state', 'done', 'ends', now + ARGV[2])
  ${EXPIRE("ARGV[2]")}
  return 1`;

/** A released key can be claimed at once, and its token can no longer commit. */
const RELEASE = `${READ}
  if fence ~= ARGV[1] or state ~= 'leased' then return 0 end
  redis.call('HSET', KEYS[1], 'fence', fence + 1, 'ends', 0)
  return 1`;

/**
 * An `IdempotencyStore` with a client of `redis`. Each call is one atomic script on one key, so it also works in a
 * cluster.
 *
 * A failover may lose the latest claims, since Redis replicates asynchronously. Handling is at-least-once anyway.
 */
export class RedisStore {
  #client;
  #prefix;

  /** `namespace` separates receivers that handle the same events, and accounts: letters, digits, `.`, `_` and `-`. */
  constructor(client, { namespace = "default" } = {}) {
    // A namespace contains no colon, so keys are unambiguous.
    if (typeof namespace !== "string" || !/^[A-Za-z0-9._-]{1,64}$/.test(namespace)) {
      throw new TypeError("`namespace` is not 1 to 64 letters, digits, `.`, `_` and `-`");
    }
    this.#client = client;
    this.#prefix = `vtryon-webhooks:${namespace}:`;
  }

  async claim(key, leaseMs) {
    const [state, number] = await this.#run(CLAIM, key, leaseMs);
    if (state === "claimed") return { state, fence: number };
    if (state === "done") return { state };
    return { state: "busy", retryAfterMs: number };
  }

  async commit(key, fence, ttlMs) {
    return (await this.#run(COMMIT, key, fence, ttlMs)) === 1;
  }

  async release(key, fence) {
    await this.#run(RELEASE, key, fence);
  }

  #run(script, key, ...values) {
    return this.#client.eval(script, {
      keys: [this.#prefix + key],
      arguments: values.map(String),
    });
  }
}
