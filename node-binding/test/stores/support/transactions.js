// What the stores in SQL must do beyond the contract: an effect and its key in one commit. A store is
// opened with `run(sql)`, with `refuseDeletes`, the SQL after which no row of its table can be removed, and with a table
// `effects (name TEXT)`.

import assert from "node:assert/strict";
import { mock } from "node:test";
import { vtryonWebhooks } from "vtryon-webhooks/web";
import { BODY, SECRET, sign } from "../../support/completed-event.js";
import { claimed, LEASE, TTL } from "./contract.js";

const KEY = "status:completed:task_123";
const DAY = 24 * 60 * 60 * 1000;

export const TRANSACTIONS = [
  {
    name: "an effect and its key",
    why: "one commit, and a repeat does not even begin",
    async run({ store, work, effects }) {
      assert.deepEqual(await store.transaction(KEY, work("a")), { ran: true, value: "a" });
      assert.deepEqual(await store.transaction(KEY, work("b")), { ran: false });
      assert.deepEqual(await effects(), ["a"]);
    },
  },
  {
    name: "a work that throws",
    why: "neither effect nor key, and what it threw",
    async run({ store, work, effects }) {
      const fault = new Error("out of paper");
      const failing = work("a", () => {
        throw fault;
      });
      await assert.rejects(async () => store.transaction(KEY, failing), fault);
      assert.deepEqual(await effects(), []);
      assert.deepEqual(await store.transaction(KEY, work("b")), { ran: true, value: "b" });
      assert.deepEqual(await effects(), ["b"]);
    },
  },
  {
    name: "a work that is no function to call",
    why: "the call of a generator function runs none of it, and the key would be kept",
    async run({ store, work, effects }) {
      for (const wrong of [undefined, function* () {}, async function* () {}]) {
        const begun = async () => store.transaction(KEY, wrong);
        await assert.rejects(begun, { code: "invalid_option", message: /^`work` / });
      }
      assert.deepEqual(await store.transaction(KEY, work("a")), { ran: true, value: "a" });
      assert.deepEqual(await effects(), ["a"]);
    },
  },
  {
    name: "a work that returns a generator",
    why: "none of its code has run, and the key would be kept",
    async run({ store, work, effects }) {
      for (const make of [function* () {}, async function* () {}]) {
        const begun = async () => store.transaction(KEY, (tx) => make(tx));
        await assert.rejects(begun, { code: "invalid_option", message: /^`work` returned a gen/ });
      }
      assert.deepEqual(await store.transaction(KEY, work("a")), { ran: true, value: "a" });
      assert.deepEqual(await effects(), ["a"]);
    },
  },
  {
    name: "under a claim",
    why: "the receiver holds a lease on the same key, and commits it when the handler has returned",
    async run({ store, work, effects }) {
      const fence = await claimed(store);
      assert.equal((await store.transaction(KEY, work("a"))).ran, true);
      assert.equal((await store.claim(KEY, LEASE)).state, "busy", "the handler has not returned");
      assert.equal(await store.commit(KEY, fence, TTL), true);
      assert.deepEqual(await store.claim(KEY, LEASE), { state: "done" });
      assert.deepEqual(await effects(), ["a"]);
    },
  },
  {
    name: "under a claim that is released",
    why: "a handler that fails after its transaction runs again, and its transaction does not",
    async run({ store, work, effects }) {
      const fence = await claimed(store);
      await store.transaction(KEY, work("a"));
      await store.release(KEY, fence);
      assert.ok((await claimed(store)) > fence);
      assert.deepEqual(await store.transaction(KEY, work("b")), { ran: false });
      assert.deepEqual(await effects(), ["a"]);
    },
  },
  {
    name: "under a claim that is kept for less time",
    why: "the receiver's commit does not shorten the time of the transaction",
    async run({ store, work, effects, elapse }) {
      const fence = await claimed(store);
      await store.transaction(KEY, work("a"), { ttlMs: 10 * TTL });
      await store.commit(KEY, fence, TTL);
      await elapse(TTL + DAY);
      await claimed(store);
      assert.deepEqual(await store.transaction(KEY, work("b")), { ran: false });
      assert.deepEqual(await effects(), ["a"]);
    },
  },
  {
    name: "within a receiver that has the store too",
    why: "200 means handled: what fails after the transaction is done again",
    async run({ store, work, effects }) {
      let mails = 0;
      const receive = vtryonWebhooks({
        secrets: SECRET,
        store,
        onError() {},
        async onEvent(_event, { idempotencyKey }) {
          await store.transaction(idempotencyKey, work("a"));
          mails += 1;
          if (mails === 1) throw new Error("the mail server is away");
        },
      });
      const headers = { "x-vtryon-signature": sign(BODY) };
      const send = async () =>
        (
          await receive(
            new Request("https://shop.example/", { method: "POST", headers, body: BODY }),
          )
        ).status;
      assert.deepEqual([await send(), await send(), await send()], [503, 200, 200]);
      assert.equal(mails, 2);
      assert.deepEqual(await effects(), ["a"]);
    },
  },
  {
    name: "keys that look like those of a transaction",
    why: "a claim of a stranger's task must not pass for a transaction",
    async run({ store, work }) {
      await claimed(store, "transaction/default:a");
      await claimed(store, "transaction/a");
      assert.equal((await store.transaction("a", work("a"))).ran, true);
      await claimed(store, "a");
    },
  },
  {
    name: "under a claim, rolled back",
    why: "the claim is still the caller's to give back",
    async run({ store, work, effects }) {
      const fence = await claimed(store);
      const failing = work("a", () => {
        throw new Error("out of paper");
      });
      await assert.rejects(async () => store.transaction(KEY, failing));
      assert.equal((await store.claim(KEY, LEASE)).state, "busy");
      await store.release(KEY, fence);
      assert.ok((await claimed(store)) > fence);
      assert.deepEqual(await effects(), []);
    },
  },
  {
    name: "two holders of one key",
    why: "a handler that outlived its lease runs beside its successor: one effect",
    async run({ store, work, effects, elapse }) {
      const first = await claimed(store);
      await elapse(LEASE);
      const second = await claimed(store);
      assert.equal((await store.transaction(KEY, work("first"))).ran, true);
      assert.equal((await store.transaction(KEY, work("second"))).ran, false);
      assert.equal(await store.commit(KEY, first, TTL), false);
      assert.equal(await store.commit(KEY, second, TTL), true);
      assert.deepEqual(await effects(), ["first"]);
    },
  },
  {
    name: "remembered for its time",
    why: "3 days unless said otherwise",
    async run({ store, work, elapse }) {
      await store.transaction("short", work("a"), { ttlMs: DAY + 2000 });
      await store.transaction("usual", work("a"));
      await elapse(DAY + 1000);
      assert.equal((await store.transaction("short", work("b"))).ran, false);
      await elapse(1000);
      assert.equal((await store.transaction("short", work("b"))).ran, true);
      assert.equal((await store.transaction("usual", work("b"))).ran, false);
      await elapse(TTL);
      assert.equal((await store.transaction("usual", work("b"))).ran, true);
    },
  },
  {
    name: "a time that is too short, or by another name",
    why: "Vtryon retries over 24 hours",
    async run({ store, work, effects }) {
      const times = [0, DAY, Number.NaN, Number.POSITIVE_INFINITY].map((ttlMs) => ({ ttlMs }));
      for (const options of [...times, { ttl: TTL }, TTL]) {
        const short = async () => store.transaction(KEY, work("a"), options);
        await assert.rejects(short, { code: "invalid_option" }, JSON.stringify(options));
      }
      assert.deepEqual(await effects(), []);
    },
  },
  {
    name: "pruned",
    why: "rows that ended an hour ago go, a thousand at a time until none is left, and no others",
    async run({ store, elapse, run, rows, work }) {
      const insert = (name, count) =>
        run(`INSERT INTO vtryon_webhooks WITH RECURSIVE n (n) AS (
        SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${count})
        SELECT '${name} ' || n AS key, 'done' AS state, 1 AS fence, 1 AS expires_at FROM n`);
      await insert("old", 2500);
      await claimed(store, "a");
      assert.equal(await rows(), 1501);
      await claimed(store, "b");
      assert.equal(await rows(), 502, "more than a thousand a minute");
      await store.transaction("c", work("c"));
      assert.equal(await rows(), 3, "leases that have just begun stay");
      await insert("new", 1);
      await claimed(store, "d");
      assert.equal(await rows(), 5, "none was left, so it is asked again after a minute");
      await elapse(LEASE + 1000);
      await claimed(store, "e");
      assert.equal(await rows(), 5, "leases that have just ended stay");
    },
  },
  {
    name: "rows that can't be removed",
    why: "an event is handled all the same, and the log has the code and nothing of a row",
    async run({ store, restarted, run, refuseDeletes, work, effects, rows }) {
      const warn = mock.method(console, "warn", () => {});
      try {
        await run(`INSERT INTO vtryon_webhooks VALUES ('old', 'done', 1, 1); ${refuseDeletes}`);
        await claimed(store, "a");
        await claimed(store, "b");
        assert.equal(warn.mock.callCount(), 1, "once a minute");
        assert.deepEqual(await restarted().transaction(KEY, work("a")), { ran: true, value: "a" });
        assert.equal(warn.mock.callCount(), 2);
        for (const { arguments: words } of warn.mock.calls) {
          assert.equal(words.length, 1);
          assert.match(words[0], /^vtryon-webhooks: [^()]* \(\w+\); [^()]*$/);
          assert.doesNotMatch(words[0], /undefined|quoted/);
        }
      } finally {
        warn.mock.restore();
      }
      assert.deepEqual(await effects(), ["a"]);
      assert.equal(await rows(), 4);
    },
  },
  {
    name: "pruned, and claimed anew",
    why: "the token must not start anew with the row",
    async run({ store, elapse, rows }) {
      const first = await claimed(store);
      await store.commit(KEY, first, TTL);
      await elapse(TTL + 2 * 60 * 60 * 1000);
      await claimed(store, "another");
      assert.equal(await rows(), 1);
      assert.ok((await claimed(store)) > first);
    },
  },
  {
    name: "migrated twice",
    why: "each process does it when it starts",
    async run({ store }) {
      const fence = await claimed(store);
      await store.migrate();
      assert.equal(await store.commit(KEY, fence, TTL), true);
    },
  },
];
