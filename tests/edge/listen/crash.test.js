// `vtryon-webhooks listen` in the middle of a storm: it is stopped and started again and again, killed, and the
// gateway is killed. Nothing is lost; and nothing comes twice, but where `listen` itself was killed, and there a
// backend that remembers has each effect once.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { after, afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { vtryonWebhooks } from "vtryon-webhooks/node";
import { SqliteStore } from "vtryon-webhooks/stores";
import { Listener, stateFolder } from "../../../node-binding/test/support/run-listen.js";
import { Backend } from "../support/backends/backend.js";
import { event, Gateway, SECRET, TOKEN, until } from "../support/gateway.js";
import { StableProxy } from "../support/stable-proxy.js";

const STATUSES = ["queued", "processing", "completed"];
const TASKS = Array.from({ length: 60 }, (_, n) => `task_${n}`);
const ALL = TASKS.flatMap((task) => STATUSES.map((status) => `${task} ${status}`));
const SENDERS = 4;

const home = stateFolder(after);
let gateway;
let proxy;
beforeEach(async () => {
  gateway = await Gateway.start();
  proxy = await StableProxy.open(gateway.url);
});
afterEach(async () => {
  await proxy.close();
  await gateway.stop();
});

/** Sends every event, a task's in order, each until it is acknowledged; `sent` is called after each. */
async function storm(sent = () => {}) {
  const tasks = [...TASKS];
  const send = async (body) => {
    await until(async () => (await gateway.post(body).catch(() => undefined))?.status === 200);
    sent();
  };
  const sender = async () => {
    for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
      for (const status of STATUSES) await send(event(task, status));
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

/** A backend that takes a moment for each event. */
async function slowBackend(t) {
  const backend = await Backend.start(async ({ response }) => {
    await sleep(10);
    response.end();
  });
  t.after(() => backend.stop());
  return backend;
}

function listen(t, { url }) {
  return new Listener(t, { gateway: proxy.url, token: TOKEN, home, args: ["--forward", url] });
}

const named = ({ task_id, status }) => `${task_id} ${status}`;
const eventsOf = ({ bodies }) => bodies.map((body) => named(JSON.parse(body)));

/** Every event once, and those of a task in order. */
function assertWhole(events) {
  assert.deepEqual([...events].sort(), [...ALL].sort());
  for (const task of TASKS) {
    const own = events.filter((name) => name.startsWith(`${task} `));
    assert.deepEqual(
      own,
      STATUSES.map((status) => `${task} ${status}`),
    );
  }
}

test("the gateway is killed with -9, and connections are cut: nothing lost, nothing twice", async (t) => {
  const backend = await slowBackend(t);
  const listener = await listen(t, backend).ready();
  let acknowledged = 0;
  let restarting;
  await storm(() => {
    acknowledged += 1;
    if (acknowledged === 30) proxy.cut();
    if (acknowledged === ALL.length / 2) {
      restarting = gateway.crash().then(() => proxy.forwardTo(gateway.url));
    }
  });
  await restarting;
  await until(() => backend.received.length >= ALL.length);
  assert.equal(await listener.stop(), 0);
  assertWhole(eventsOf(backend));
});

test("it is ended with SIGTERM and started again and again: nothing lost, nothing twice", async (t) => {
  const backend = await slowBackend(t);
  let listener = await listen(t, backend).ready();
  const sending = storm();
  for (const [at, signal] of [
    [20, "SIGTERM"],
    [50, "SIGINT"],
    [90, "SIGTERM"],
    [130, "SIGTERM"],
  ]) {
    await until(() => backend.received.length >= at);
    assert.equal(await listener.stop(signal), 0);
    listener = listen(t, backend);
  }
  await sending;
  await until(() => backend.received.length >= ALL.length);
  // It may have begun when nothing was left to do.
  await listener.ready();
  assert.equal(await listener.stop(), 0);
  assertWhole(eventsOf(backend));
});

test("it is killed with -9 again and again: nothing lost, and each effect once where a store remembers", async (t) => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE effects (name TEXT)");
  const store = new SqliteStore(database);
  store.migrate();
  const effects = () => database.prepare("SELECT name FROM effects ORDER BY rowid").all();
  let received = 0;
  const receive = vtryonWebhooks({
    secrets: SECRET,
    async onEvent(event, { idempotencyKey }) {
      received += 1;
      await sleep(5);
      const insert = (tx) => tx.prepare("INSERT INTO effects VALUES (?)").run(named(event));
      store.transaction(idempotencyKey, insert);
      // It may be killed after the effect and before the answer.
      await sleep(5);
    },
  });
  const server = createServer(receive).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((listening) => server.on("listening", listening));
  const backend = { url: `http://127.0.0.1:${server.address().port}/` };
  let listener = await listen(t, backend).ready();
  const sending = storm();
  for (const at of [20, 50, 80, 110, 140]) {
    await until(() => effects().length >= at);
    assert.equal(await listener.stop("SIGKILL"), "SIGKILL");
    listener = listen(t, backend);
  }
  await sending;
  await until(() => effects().length >= ALL.length);
  await listener.ready();
  assert.equal(await listener.stop(), 0);
  assertWhole(effects().map(({ name }) => name));
  assert.ok(received > ALL.length, "some came twice: the kills have hit events in progress");
});
