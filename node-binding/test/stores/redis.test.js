// The Redis example against a real server: the contract, and receivers in two processes that share it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { createClient } from "redis";
import { freePort } from "../../../tests/support/free-port.js";
import { until, within } from "../../../tests/support/wait.js";
import { RedisStore } from "../../examples/redis/redis-store.js";
import { withExample } from "../support/example-process.js";
import {
  claimed,
  contract,
  LEASE,
  NO_NAMESPACES,
  namespacesShareATable,
  TTL,
} from "./support/contract.js";

let folder;
let port;
let server;

async function startServer() {
  const options = ["--bind", "127.0.0.1", "--port", port, "--dir", folder, "--save", ""];
  // "everysec" may keep back what it has answered while the disk is busy: a kill would lose it.
  const durable = ["--appendonly", "yes", "--appendfsync", "always"];
  server = spawn("redis-server", [...options.map(String), ...durable]);
  for await (const line of createInterface(server.stdout)) {
    if (line.includes("Ready to accept connections")) return;
  }
  throw new Error("redis-server has ended");
}

async function stopServer() {
  const ended = once(server, "exit");
  server.kill("SIGKILL");
  await within("the end of redis-server", ended);
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "vtryon-redis-"));
  port = await freePort();
  await startServer();
});

after(async () => {
  await stopServer();
  rmSync(folder, { recursive: true });
});

async function open() {
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  await client.flushAll();
  /** Moves the end of every claim closer; the server's own clock stays. */
  const elapse = async (ms) => {
    for (const key of await client.keys("*")) await client.hIncrBy(key, "ends", -ms);
  };
  return { client, store: new RedisStore(client), elapse, close: () => client.destroy() };
}

contract("redis", open);

test("redis: two accounts share a database", async () => {
  const { client, close } = await open();
  await namespacesShareATable((namespace) => new RedisStore(client, { namespace }));
  for (const namespace of NO_NAMESPACES) {
    assert.throws(() => new RedisStore(client, { namespace }), { name: "TypeError" });
  }
  close();
});

test("keys expire a day after their end", async () => {
  const { client, store, close } = await open();
  const DAY = 24 * 60 * 60 * 1000;
  const fence = await claimed(store, "a");
  const lasts = async () => (await client.pTTL("vtryon-webhooks:default:a")) - DAY;
  const lease = await lasts();
  assert.ok(lease > 0 && lease <= LEASE, `${lease} ms`);
  await store.commit("a", fence, TTL);
  const done = await lasts();
  assert.ok(done > LEASE && done <= TTL, `${done} ms`);
  close();
});

test("an event that is sent to two receivers at once is handled once", async () => {
  const environment = { REDIS_URL: `redis://127.0.0.1:${port}` };
  await withExample("redis", environment, async (one) => {
    await withExample("redis", environment, async (other) => {
      const event = { task_id: "task_1", status: "completed" };
      const send = async (to) => (await to.send(event)).status;
      const statuses = await Promise.all([one, other, one, other, one, other].map(send));
      assert.ok(statuses.includes(200), `${statuses}`);
      assert.ok(
        statuses.every((status) => status === 200 || status === 503),
        `${statuses}`,
      );
      assert.equal(await send(other), 200);
      assert.equal(await one.stop(), 0);
      assert.equal(await other.stop(), 0);
      const handled = [...one.lines, ...other.lines].filter((line) => line === "task_1 completed");
      assert.equal(handled.length, 1);
    });
  });
});

test("while Redis is down the answer is 503 with Retry-After, afterwards 200", async () => {
  await withExample("redis", { REDIS_URL: `redis://127.0.0.1:${port}` }, async (example) => {
    const event = (task_id) => ({ task_id, status: "completed" });
    assert.equal((await example.send(event("before"))).status, 200);
    await stopServer();
    const away = await example.send(event("after"));
    assert.equal(away.status, 503);
    assert.match(away.headers.get("retry-after"), /^\d+$/);
    await startServer();
    await until(async () => (await example.send(event("after"))).status === 200);
    assert.equal((await example.send(event("before"))).status, 200, "kept over its restart");
    await example.stop();
    assert.deepEqual(example.lines.slice(1), ["before completed", "after completed"]);
  });
});
