// Keeps claims in Redis, for receivers in many processes on many machines.

/**
 * The server's clock, one for all who claim, and what is known of the key: a hash of `state` (`leased` or
 * `done`), `fence` and `ends` (milliseconds since 1970).
 */
const KNOWN = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local state, fence, ends = unpack(redis.call('HMGET', KEYS[1], 'state', 'fence', 'ends'))`;

/** The hash outlives its end by a day: it holds the latest token, and tokens given later must be higher. */
const KEEP = (ms) => `
  redis.call('PEXPIRE', KEYS[1], ${ms} + 86400000)`;

const CLAIM = `${KNOWN}
  if ends and tonumber(ends) > now then return {state, ends - now} end
  fence = math.max((fence or 0) + 1, now)
  redis.call('HSET', KEYS[1], 'state', 'leased', 'fence', fence, 'ends', now + ARGV[1])
  ${KEEP("ARGV[1]")}
  return {'claimed', fence}`;

const COMMIT = `${KNOWN}
  if fence ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'state', 'done', 'ends', now + ARGV[2])
  ${KEEP("ARGV[2]")}
  return 1`;

/** What was given back can be claimed at once, and its token commits nothing any more. */
const RELEASE = `${KNOWN}
  if fence ~= ARGV[1] or state ~= 'leased' then return 0 end
  redis.call('HSET', KEYS[1], 'fence', fence + 1, 'ends', 0)
  return 1`;

/**
 * An `IdempotencyStore` of the package over a client of `redis`. Each call is one script, which Redis runs
 * alone, on one key, so that it works in a cluster as well.
 *
 * A failover may lose the latest claims, since Redis replicates after it has answered: handling is
 * at-least-once in any case.
 */
export class RedisStore {
  #client;
  #prefix;

  /** `namespace` keeps the keys of several accounts apart: letters, digits, `.`, `_` and `-`. */
  constructor(client, { namespace = "default" } = {}) {
    // Without a colon in it, no two namespaces make the same key.
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
