// `vtryon-webhooks listen` at the real gateway: what reaches a backend on this machine, and what is printed.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { vtryonWebhooks } from "vtryon-webhooks/node";
import {
  backendOf as backendThatReturns,
  Listener,
  stateFolder,
  statusesOf,
} from "../../../node-binding/test/support/run-listen.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery } from "../support/deliveries.js";
import { event, Gateway, SECRET, sign, TOKEN, until } from "../support/gateway.js";

const home = stateFolder(after);

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

/** Starts it for a backend of its own, and waits until it listens. */
async function listening(t, args = [], backends = undefined) {
  const targets = backends ?? [await backendOf(t)];
  const forwards = targets.flatMap(({ url }) => ["--forward", url]);
  const options = { gateway: gateway.url, token: TOKEN, home, args: [...forwards, ...args] };
  const listener = await new Listener(t, options).ready();
  return { listener, backend: targets[0] };
}

async function backendOf(t, answer = "ok") {
  const backend = await Backend.start(answer);
  t.after(() => backend.stop());
  return backend;
}

const got = (backend, count) => until(() => backend.received.length >= count);

test("the same bytes and signature, whatever the event is, and a line for each", async (t) => {
  const { listener, backend } = await listening(t);
  const bodies = [
    event("task_1", "queued"),
    `  ${event("task_1", "processing", { data: { é: "\u202e" } })}\n`,
    event("task_1", "queued-again"),
    JSON.stringify({ event: "generation.rated", task_id: "task_1" }),
    event("task_long", "queued", { padding: "x".repeat(262_144 - 91) }),
    Buffer.from([0xff, 0xfe, 0x00, 0x0a]),
    "no json",
  ];
  for (const body of bodies) await acknowledged(gateway, body);
  await acknowledged(gateway, bodies[0]);
  await got(backend, bodies.length);
  const identities = new Set();
  for (const { headers, body } of backend.received) {
    assert.equal(headers["x-vtryon-signature"], sign(body), `${body.length}`);
    assert.equal(headers["content-type"], "application/json");
    identities.add(headers["webhook-id"]);
  }
  assert.equal(identities.size, bodies.length, "an id for each");
  const hex = (body) => Buffer.from(body).toString("hex");
  assert.deepEqual(backend.received.map(({ body }) => hex(body)).sort(), bodies.map(hex).sort());
  assert.equal(await listener.stop(), 0);
  assert.deepEqual(listener.lines.sort(), [
    "generation.rated (unknown)  [task_1]  → 200",
    "processing                  [task_1]  → 200",
    "queued                      [task_1]  → 200",
    "queued                      [task_long]  → 200",
    "queued-again (unknown)      [task_1]  → 200",
    "unreadable (quarantined)    [no task]  → 200",
    "unreadable (quarantined)    [no task]  → 200",
  ]);
});

test("late and conflicting events go on too, as Vtryon would send them", async (t) => {
  const { listener, backend } = await listening(t, ["--json"]);
  for (const status of ["completed", "processing", "failed"]) {
    await acknowledged(gateway, event("task_2", status));
  }
  await got(backend, 3);
  await listener.stop();
  const [ready, ...records] = listener.records;
  assert.deepEqual(ready, { type: "ready", shards: 4 });
  assert.deepEqual(
    records.map(({ task_id, status, outcome, ok, answer }) => [
      task_id,
      status,
      outcome,
      ok,
      answer,
    ]),
    [
      ["task_2", "completed", "applied", true, 200],
      ["task_2", "processing", "late", true, 200],
      ["task_2", "failed", "conflict", true, 200],
    ],
  );
});

test("a replay is marked as one, with the same id for the backend", async (t) => {
  const shop = await backendOf(t);
  const endpoint = await gateway.register(shop.url, { order: "all" });
  const { listener, backend } = await listening(t, ["--json"]);
  await acknowledged(gateway, event("task_3", "queued"));
  const { id } = await delivery(gateway, { task_id: "task_3" });
  const replayed = await gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" });
  assert.equal(replayed.status, 202);
  await until(() => listener.lines.length === 3);
  const json = { endpoint: endpoint.id, which: "all" };
  const { matched } = (await gateway.api("/api/replay", { json })).body;
  await until(() => listener.lines.length === 3 + matched);
  await listener.stop();
  const replays = listener.records.filter(({ type }) => type === "replay");
  assert.equal(replays.length, 1 + matched);
  const ofTask = replays.filter(({ task_id }) => task_id === "task_3");
  assert.deepEqual(
    ofTask.map(({ delivery }) => delivery),
    [id, id],
  );
  const ids = backend.received
    .filter(({ body }) => body.includes("task_3"))
    .map(({ headers }) => headers["webhook-id"]);
  assert.deepEqual([ids.length, new Set(ids).size], [3, 1]);
  await gateway.api(`/api/endpoints/${endpoint.id}`, { method: "DELETE" });
});

test("several backends, and several listeners beside each other", async (t) => {
  const backends = [await backendOf(t), await backendOf(t)];
  const both = await listening(t, [], backends);
  const other = await listening(t);
  await acknowledged(gateway, event("task_4", "queued"), event("task_5", "queued"));
  for (const backend of [...backends, other.backend]) await got(backend, 2);
  for (const { listener } of [both, other]) assert.equal(await listener.stop(), 0);
  assert.equal(both.listener.lines.length, 4);
  for (const { url } of backends) {
    assert.equal(both.listener.lines.filter((line) => line.endsWith(`→ ${url} 200`)).length, 2);
  }
});

test("events of a pause are forwarded after the restart, and --since forwards them again", async (t) => {
  const first = await listening(t);
  const { backend } = first;
  await acknowledged(gateway, event("task_6", "queued"));
  await got(backend, 1);
  await first.listener.stop();
  await acknowledged(gateway, event("task_6", "processing"));
  const second = await listening(t, [], [backend]);
  await got(backend, 2);
  await second.listener.stop();
  const since = new Date(Date.now() - 3_600_000).toISOString();
  for (const args of [
    ["--since", "1h"],
    ["--since", since],
  ]) {
    const { length } = backend.received;
    const { listener } = await listening(t, args, [backend]);
    await until(() => listener.lines.some((line) => /^processing .*task_6/.test(line)));
    await listener.stop();
    const again = backend.bodies.slice(length).filter((body) => body.includes("task_6"));
    assert.deepEqual(
      again.map((body) => JSON.parse(body).status),
      ["queued", "processing"],
    );
  }
});

test("a backend with Vtryon's secret accepts every delivery, one with another secret none", async (t) => {
  const taken = [];
  const urls = await Promise.all(
    [SECRET, "whsec_other"].map(async (secrets) => {
      const receive = vtryonWebhooks({
        secrets,
        onEvent: ({ task_id }) => taken.push(`${task_id} ${secrets}`),
        onError() {},
      });
      const server = createServer(receive).listen(0, "127.0.0.1");
      await new Promise((listening) => server.on("listening", listening));
      t.after(() => server.close());
      return { url: `http://127.0.0.1:${server.address().port}/` };
    }),
  );
  const { listener } = await listening(t, [], urls);
  await acknowledged(gateway, event("task_7", "queued"));
  await until(() => listener.lines.length === 2);
  await listener.stop();
  assert.deepEqual(taken, [`task_7 ${SECRET}`]);
  assert.match(listener.stderr, /does it verify with the secret that Vtryon signs with\?/);
});

test("a backend that is down is waited for, in order, while others get theirs", async (t) => {
  const [up, down] = [await backendOf(t), await backendThatReturns(t)];
  await down.down();
  const { listener } = await listening(t, [], [up, down]);
  for (const status of ["queued", "processing", "completed"]) {
    await acknowledged(gateway, event("task_9", status));
  }
  await got(up, 3);
  await listener.says(/refused; its events wait until it can be reached/);
  await down.up();
  await got(down, 3);
  assert.equal(await listener.stop(), 0);
  for (const backend of [up, down]) {
    assert.deepEqual(statusesOf(backend), ["queued", "processing", "completed"]);
  }
});

test("a long backlog is complete and in order, and acknowledgements release its pages", async (t) => {
  const first = await listening(t);
  await first.listener.stop();
  const bodies = Array.from({ length: 40 }, (_, n) =>
    JSON.stringify({ event: `padded.${n}`, task_id: "task_8", padding: "x".repeat(60_000) }),
  );
  for (const body of bodies) await acknowledged(gateway, body);
  const { listener } = await listening(t, [], [first.backend]);
  await got(first.backend, bodies.length);
  assert.equal(await listener.stop(), 0);
  assert.deepEqual(first.backend.bodies, bodies);
});
