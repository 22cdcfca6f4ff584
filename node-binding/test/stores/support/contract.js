// What every store of claims must do. A store is opened for each case: `open` returns
// `{ store, elapse, close }`, where `elapse(ms)` makes that time pass for the store, without waiting.

import assert from "node:assert/strict";
import { test } from "node:test";

export const LEASE = 60_000;
export const TTL = 3 * 24 * 60 * 60 * 1000;
const KEY = "status:completed:task_123";

const CASES = [
  {
    name: "claimed, busy, ended, claimed anew, done",
    why: "a handler that died must not keep an event for ever, nor commit over its successor",
    async run({ store, elapse }) {
      const first = await claimed(store);
      assert.equal((await store.claim(KEY, LEASE)).state, "busy");
      await elapse(LEASE);
      const second = await claimed(store);
      assert.ok(second > first, "the token has not risen");
      assert.equal(await store.commit(KEY, first, TTL), false, "a stale commit");
      assert.equal((await store.claim(KEY, LEASE)).state, "busy", "after a stale commit");
      assert.equal(await store.commit(KEY, second, TTL), true);
      assert.deepEqual(await store.claim(KEY, LEASE), { state: "done" });
    },
  },
  {
    name: "busy says for how long",
    why: "it becomes `Retry-After`",
    async run({ store, elapse }) {
      await claimed(store);
      await elapse(LEASE / 2);
      const { retryAfterMs } = await store.claim(KEY, LEASE);
      assert.ok(retryAfterMs > 0 && retryAfterMs <= LEASE / 2, `${retryAfterMs} ms`);
    },
  },
  {
    name: "released",
    why: "what failed is tried again at once",
    async run({ store }) {
      const first = await claimed(store);
      await store.release(KEY, first);
      assert.equal(await store.commit(KEY, first, TTL), false, "a commit of what was given back");
      assert.ok((await claimed(store)) > first, "the token has not risen");
    },
  },
  {
    name: "a stale release",
    why: "a handler that fails late must not end the claim of its successor",
    async run({ store, elapse }) {
      const first = await claimed(store);
      await elapse(LEASE);
      const second = await claimed(store);
      await store.release(KEY, first);
      assert.equal((await store.claim(KEY, LEASE)).state, "busy");
      assert.equal(await store.commit(KEY, second, TTL), true);
    },
  },
  {
    name: "committed late",
    why: "nobody else has claimed it, so the claim is still the latest",
    async run({ store, elapse }) {
      const fence = await claimed(store);
      await elapse(LEASE + 1);
      assert.equal(await store.commit(KEY, fence, TTL), true);
      assert.deepEqual(await store.claim(KEY, LEASE), { state: "done" });
    },
  },
  {
    name: "committed twice",
    why: "the answer to the first may have been lost on its way",
    async run({ store }) {
      const fence = await claimed(store);
      assert.equal(await store.commit(KEY, fence, TTL), true);
      assert.equal(await store.commit(KEY, fence, TTL), true);
      assert.equal(await store.commit(KEY, fence + 1, TTL), false, "another's");
    },
  },
  {
    name: "released after the commit",
    why: "what is done stays done",
    async run({ store }) {
      const fence = await claimed(store);
      await store.commit(KEY, fence, TTL);
      await store.release(KEY, fence);
      assert.deepEqual(await store.claim(KEY, LEASE), { state: "done" });
    },
  },
  {
    name: "remembered for its time",
    why: "Vtryon retries over 24 hours; a table that only grows is no use either",
    async run({ store, elapse }) {
      const first = await claimed(store);
      await store.commit(KEY, first, TTL);
      await elapse(TTL - 1000);
      assert.deepEqual(await store.claim(KEY, LEASE), { state: "done" });
      await elapse(1000);
      assert.ok((await claimed(store)) > first, "the token has not risen");
    },
  },
  {
    name: "each key for its own time",
    why: "what is remembered longer must not keep what was remembered after it",
    async run({ store, elapse }) {
      await store.commit("long", await claimed(store, "long"), 2 * TTL);
      await store.commit("short", await claimed(store, "short"), TTL);
      await elapse(TTL);
      await claimed(store, "short");
      assert.deepEqual(await store.claim("long", LEASE), { state: "done" });
    },
  },
  {
    name: "a key that nobody claimed",
    why: "there is nothing to commit or to give back",
    async run({ store }) {
      assert.equal(await store.commit(KEY, 1, TTL), false);
      await store.release(KEY, 1);
      await claimed(store);
    },
  },
  {
    name: "many claims at once",
    why: "exactly one wins",
    async run({ store }) {
      const claims = await Promise.all(Array.from({ length: 50 }, () => store.claim(KEY, LEASE)));
      const states = claims.map((claim) => claim.state).sort();
      assert.deepEqual(states, [...Array(49).fill("busy"), "claimed"]);
    },
  },
  {
    name: "many claims, one after the other",
    why: "tokens rise also within one millisecond, and after an end that was forgotten",
    async run({ store, elapse }) {
      let last = 0;
      for (let count = 0; count < 100; count += 1) {
        const fence = await claimed(store);
        assert.ok(Number.isSafeInteger(fence) && fence > last, `${fence} after ${last}`);
        last = fence;
        await store.release(KEY, fence);
      }
      await elapse(100 * TTL);
      assert.ok((await claimed(store)) > last, "after a long time");
    },
  },
  {
    name: "any text is a key",
    why: "a task's name is any text without control characters",
    async run({ store }) {
      const keys = [
        "a",
        "A",
        "a ",
        "a%",
        "'; DROP TABLE x; --",
        "$key {0} ?1",
        "ä",
        "𝄞",
        "x".repeat(700),
      ];
      for (const key of keys) assert.equal((await store.claim(key, LEASE)).state, "claimed", key);
      for (const key of keys) assert.equal((await store.claim(key, LEASE)).state, "busy", key);
    },
  },
];

/**
 * Namespaces: `open(namespace)` returns a store in it, and all of them share a table. Keys that look like those of
 * another namespace are none.
 */
export async function namespacesShareATable(open) {
  const accounts = [open("shop-a"), open("shop-b"), open("default"), open("a.b_C-9")];
  for (const store of accounts) await claimed(store);
  for (const store of accounts) assert.equal((await store.claim(KEY, LEASE)).state, "busy");
  const fence = await claimed(accounts[0], "a");
  assert.equal(await accounts[1].commit("a", fence, TTL), false, "another's commit");
  await accounts[1].release("a", fence);
  assert.equal((await accounts[0].claim("a", LEASE)).state, "busy", "after another's release");
  assert.equal(await accounts[0].commit("a", fence, TTL), true);
  assert.equal((await accounts[0].claim("a", LEASE)).state, "done");
  await claimed(accounts[1], "a");
  // No text of one namespace is a key of another one.
  for (const key of ["shop-b:a", ":a", "default:a", ":shop-b:a"]) await claimed(accounts[2], key);
  await claimed(open(undefined), "b");
  assert.equal((await accounts[2].claim("b", LEASE)).state, "busy", "the namespace by default");
}

/** What no namespace is. */
export const NO_NAMESPACES = ["", "a:b", "a b", "ä", "a/b", "a".repeat(65), "a\n", 7, null, {}];

/**
 * Tokens rise where the clock goes back: `open` returns the store as a process finds it that has just
 * started, and `elapse` takes less than nothing.
 */
export async function risesWhenTheClockGoesBack({ open, elapse }) {
  let last = 0;
  const rises = async () => {
    const fence = await claimed(open());
    assert.ok(fence > last, `${fence} after ${last}`);
    last = fence;
  };
  await rises();
  await open().release(KEY, last);
  await elapse(-TTL);
  await claimed(open(), "another");
  await rises();
  await elapse(LEASE);
  await rises();
}

/** Holds a store to the contract. */
export function contract(title, open, cases = CASES) {
  for (const { name, why, run } of cases) {
    test(`${title}: ${name}`, async () => {
      const opened = await open();
      try {
        await run(opened);
      } catch (fault) {
        fault.message += ` (${why})`;
        throw fault;
      } finally {
        await opened.close?.();
      }
    });
  }
}

/** Claims and returns the token. */
export async function claimed(store, key = KEY) {
  const claim = await store.claim(key, LEASE);
  assert.equal(claim.state, "claimed");
  return claim.fence;
}
