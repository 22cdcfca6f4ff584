// The store in memory: the contract, and that it stays small.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { MemoryStore } from "vtryon-webhooks/stores";
import {
  claimed,
  contract,
  LEASE,
  NO_NAMESPACES,
  risesWhenTheClockGoesBack,
  TTL,
} from "./support/contract.js";

const START = Date.UTC(2026, 6, 1);

function open(options) {
  let now = START;
  const store = new MemoryStore({ ...options, now: () => now });
  const elapse = (ms) => {
    now += ms;
  };
  return { store, elapse };
}

contract("memory", open);

test("a full store drops the oldest done key first", async () => {
  const { store } = open({ maxKeys: 3 });
  const lease = await claimed(store, "leased");
  for (const key of ["old", "new"]) store.commit(key, await claimed(store, key), TTL);
  await claimed(store, "one more");
  assert.equal(store.claim("new", LEASE).state, "done");
  assert.equal(store.claim("leased", LEASE).state, "busy");
  assert.equal(store.claim("old", LEASE).state, "claimed");
  assert.equal(store.commit("leased", lease, TTL), true);
});

test("a store full of leases answers busy for a new key until a lease ends", async () => {
  const { store, elapse } = open({ maxKeys: 2 });
  await claimed(store, "a");
  elapse(1000);
  await claimed(store, "b");
  assert.deepEqual(store.claim("c", LEASE), { state: "busy", retryAfterMs: LEASE - 1000 });
  elapse(LEASE - 1000);
  await claimed(store, "c");
  assert.equal(store.claim("b", LEASE).state, "busy");
});

test("the tokens rise when the clock goes back", async () => {
  const { store, elapse } = open();
  await risesWhenTheClockGoesBack({ open: () => store, elapse });
});

test("the tokens rise over a restart", async () => {
  const { store } = open();
  const before = await claimed(store);
  const restarted = new MemoryStore({ now: () => START + 1 });
  assert.ok((await claimed(restarted)) > before);
});

test("a valid namespace is accepted, an invalid one is refused", async () => {
  await claimed(open({ namespace: "shop-a" }).store);
  for (const namespace of NO_NAMESPACES) {
    assert.throws(() => new MemoryStore({ namespace }), { code: "invalid_option" });
  }
  for (const options of [{ nameSpace: "mail" }, "mail"]) {
    assert.throws(() => new MemoryStore(options), { code: "invalid_option" });
  }
});

for (const maxKeys of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "many", null]) {
  test(`maxKeys: ${maxKeys}`, () => {
    assert.throws(() => new MemoryStore({ maxKeys }), { code: "invalid_option" });
  });
}

for (const [environment, warnings] of [
  ["process.env.NODE_ENV = 'production'", 1],
  ["process.env.NODE_ENV = 'development'", 0],
  ["delete process.env.NODE_ENV", 0],
  ["globalThis.process = undefined", 0],
]) {
  test(`${environment}: ${warnings} warning, and no timer keeps the process alive`, () => {
    const program = `
      import { MemoryStore } from "vtryon-webhooks/stores";
      let warned = 0;
      console.warn = () => { warned += 1; };
      ${environment};
      for (const store of [new MemoryStore(), new MemoryStore()]) store.claim("a", 86400000);
      console.log(warned);`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });
    assert.equal(output, `${warnings}\n`);
  });
}
