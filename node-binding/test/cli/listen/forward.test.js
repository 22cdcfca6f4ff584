// The command `listen`: what it forwards and how, with a gateway and backends that the tests have in their hands.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { skipWithoutRuntime } from "../../../../tests/support/skip.js";
import { SECRET, TOKEN } from "../../support/fake-gateway.js";
import { run } from "../../support/run-cli.js";
import {
  backendOf,
  gatewayOf,
  listenIn,
  stateFolder,
  statusesOf,
  until,
} from "../../support/run-listen.js";

const listen = listenIn(stateFolder(after));

test("imported events are not forwarded, and acknowledged all the same", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const listener = await listen(t, gateway, [backend]).ready();
  const imported = gateway.event("task_1", "queued", { imported: true });
  gateway.event("task_1", "processing");
  await until(() => gateway.acknowledged[imported.shard] > imported.seq);
  assert.equal(await listener.stop(), 0);
  assert.deepEqual(statusesOf(backend), ["processing"]);
});

test("events and replays are forwarded byte for byte, printed as one line each, and acknowledged", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  gateway.event("task_old", "completed");
  const listener = await listen(t, gateway, [backend]).ready();
  const sent = [
    gateway.event("task_1", "queued"),
    gateway.event("task_1", "paused", { outcome: "unknown" }),
    gateway.event("task_1", "queued", { outcome: "late" }),
    gateway.event(null, null, {
      body: Buffer.from([0xff, 0, 1]),
      event: null,
      outcome: "quarantined",
    }),
    gateway.event("task_\u001b[2J\u202e", "queued", { body: "x".repeat(256 * 1024) }),
  ];
  sent.push(gateway.replay(sent[0]));
  await until(() => backend.received.length === sent.length);
  const got = backend.received.map(({ headers, body }) => [
    String(body.toString("base64")),
    headers["x-vtryon-signature"],
    headers["webhook-id"],
    headers["content-type"],
  ]);
  const expected = sent.map(({ body, signature, webhook_id }) => [
    body,
    signature,
    webhook_id,
    "application/json",
  ]);
  assert.deepEqual(got.sort(), expected.sort());
  await until(() => sent.every(({ shard, seq }) => gateway.acknowledged[shard] >= seq));
  assert.equal(await listener.stop(), 0);
  assert.deepEqual(listener.lines.sort(), [
    "paused (unknown)            [task_1]  → 200",
    "queued                      [task_ [2J]  → 200",
    "queued                      [task_1]  → 200",
    "queued (late)               [task_1]  → 200",
    "queued (replay)             [task_1]  → 200",
    "unreadable (quarantined)    [no task]  → 200",
  ]);
  assert.match(
    listener.stderr,
    /→ http:\S+\/hook\nThe signature is Vtryon's own: .*\nlistening\n$/,
  );
});

test("--json prints one line for each attempt, and nothing else to standard output", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const listener = await listen(t, gateway, [backend], ["--json"]).ready();
  const sent = gateway.event("task_1", "queued");
  const replayed = gateway.replay(sent);
  await until(() => backend.received.length === 2);
  await listener.stop();
  const [ready, first, second] = listener.records;
  assert.deepEqual(ready, { type: "ready", shards: 2 });
  const { time, ...rest } = first;
  assert.ok(Math.abs(Date.now() - Date.parse(time)) < 600_000);
  assert.deepEqual(rest, {
    type: "event",
    id: sent.id,
    event: "generation.status_changed",
    task_id: "task_1",
    status: "queued",
    outcome: "applied",
    received_at: sent.received_at,
    webhook_id: sent.webhook_id,
    delivery: null,
    forward: backend.url,
    attempt: 1,
    ok: true,
    answer: 200,
    failure: null,
    retried: false,
  });
  assert.deepEqual([second.type, second.delivery], ["replay", replayed.delivery]);
});

test("the events of a task are forwarded in order, those of other tasks concurrently", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const answers = [];
  backend.answer = (response) => answers.push(response);
  await listen(t, gateway, [backend]).ready();
  for (const status of ["queued", "processing", "completed"]) gateway.event("task_1", status);
  for (const n of [2, 3, 4]) gateway.event(`task_${n}`, "queued");
  await until(() => answers.length === 4);
  const forwarded = backend.received.map(({ body }) => JSON.parse(body));
  assert.deepEqual(forwarded.map(({ task_id }) => task_id).sort(), [
    "task_1",
    "task_2",
    "task_3",
    "task_4",
  ]);
  assert.ok(gateway.acknowledged.every((seq) => seq < 3));
  while (answers.length > 0) {
    for (const response of answers.splice(0)) response.end();
    const { length } = backend.received;
    await until(() => answers.length > 0 || length === 6);
  }
  const ofTask1 = backend.received
    .map(({ body }) => JSON.parse(body))
    .filter(({ task_id }) => task_id === "task_1");
  assert.deepEqual(
    ofTask1.map(({ status }) => status),
    ["queued", "processing", "completed"],
  );
});

test("an event with an error answer is skipped; the hint is printed once", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t, 401)];
  const listener = await listen(t, gateway, [backend]).ready();
  for (const status of ["queued", "processing"]) gateway.event("task_1", status);
  await until(() => listener.lines.length === 2);
  backend.answer = (response) =>
    response
      .writeHead(503, { "retry-after": "7" })
      .end('{"error":"unavailable","message":"later"}');
  gateway.event("task_1", "completed");
  await until(() => listener.lines.length === 3);
  assert.deepEqual(listener.lines, [
    "queued                      [task_1]  → 401, skipped",
    "processing                  [task_1]  → 401, skipped",
    "completed                   [task_1]  → 503 unavailable (retry-after 7 s): later, skipped",
  ]);
  assert.equal(await listener.stop(), 0);
  assert.equal(listener.stderr.match(/does it verify with the secret/g).length, 1);
});

test("an event without a body is not sent", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const listener = await listen(t, gateway, [backend]).ready();
  gateway.event("task_1", "queued", { signature: undefined });
  await until(() => listener.lines.length === 1);
  assert.match(listener.lines[0], /→ not sent: the gateway has no body, skipped$/);
  assert.equal(backend.received.length, 0);
});

test("an unreachable backend is waited for, and a closed connection is retried", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const listener = await listen(t, gateway, [backend]).ready();
  await backend.down();
  for (const status of ["queued", "processing"]) gateway.event("task_1", status);
  await listener.says(/connection refused; its events wait until it can be reached/);
  assert.equal(listener.stdout, "");
  let closed = 0;
  backend.answer = (response) => {
    closed += 1;
    if (closed < 3) response.destroy();
    else response.end();
  };
  await backend.up();
  await until(() => listener.lines.length === 4);
  assert.deepEqual(listener.lines, [
    "queued                      [task_1]  → closed without an answer, retrying",
    "queued                      [task_1]  → closed without an answer, attempt 2, retrying",
    "queued                      [task_1]  → 200, attempt 3",
    "processing                  [task_1]  → 200",
  ]);
  assert.equal(listener.stderr.match(/wait until it can be reached/g).length, 1);
});

test("a connection that is always closed: the event is sent again 4 times, as the help says, then skipped", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  backend.answer = (response) => response.destroy();
  const listener = await listen(t, gateway, [backend]).ready();
  gateway.event("task_1", "queued");
  await until(() => listener.lines.length === 5);
  assert.match(listener.lines[4], /→ closed without an answer, attempt 5, skipped$/);
  const { stdout } = await run(["listen", "--help"]);
  assert.match(stdout, /the event is sent again, up to 4 times\./);
});

test("while a backend is unreachable, reading pauses, and no event is lost", async (t) => {
  const [gateway, backend] = [await gatewayOf(t, 1), await backendOf(t)];
  gateway.ahead = Number.POSITIVE_INFINITY;
  await backend.down();
  const listener = await listen(t, gateway, [backend]).ready();
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  for (const status of numbers) {
    const body = JSON.stringify({ status, padding: "x".repeat(100_000) });
    gateway.event("task_1", `${status}`, { body });
  }
  await listener.says(/wait until it can be reached/);
  // What the system keeps for both sides does not last for all of it.
  let unsent;
  await until(async () => {
    const before = unsent;
    await new Promise((rested) => setTimeout(rested, 100));
    unsent = gateway.unsent;
    return unsent === before;
  });
  assert.ok(unsent > 1_000_000, `${unsent}`);
  await backend.up();
  await until(() => backend.received.length === numbers.length);
  assert.deepEqual(statusesOf(backend), numbers);
  assert.equal(await listener.stop(), 0);
});

test("messages are acknowledged before the gateway's limit", async (t) => {
  const [gateway, backend] = [await gatewayOf(t, 1), await backendOf(t)];
  const first = await listen(t, gateway, [backend]).ready();
  await first.stop();
  const sizes = [10, 200_000, 10, 250_000, 100, 100, 250_000, ...Array(40).fill(20_000)];
  for (const [n, size] of sizes.entries()) {
    gateway.event(`task_${n}`, "queued", { body: "x".repeat(size) });
  }
  await listen(t, gateway, [backend]).ready();
  await until(() => backend.received.length === sizes.length);
  await until(() => gateway.acknowledged[0] === sizes.length);
  // What has no place in the stream counts too.
  const before = gateway.acknowledgements;
  for (let n = 0; n < 2000; n += 1) gateway.hint();
  await until(() => gateway.acknowledgements > before);
  assert.equal(gateway.acknowledged[0], sizes.length);
});

test("the token, credentials and queries are not printed", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t, 500)];
  const url = backend.url.replace("://", "://shop:hidden@").concat("?key=hidden");
  const listener = await listen(t, gateway, [{ url }], ["--token", TOKEN], {
    token: "wrong",
  }).ready();
  gateway.event("task_1", "queued");
  await until(() => listener.lines.length === 1);
  await listener.stop();
  assert.equal(backend.received[0].url, "/hook?key=hidden");
  const all = listener.stdout + listener.stderr;
  for (const secret of ["hidden", TOKEN, SECRET]) assert.ok(!all.includes(secret), secret);
});

for (const version of ["node20", "node22"]) {
  const runtime = fileURLToPath(
    new URL(`../../../../node_modules/${version}-linux-x64/bin/node`, import.meta.url),
  );
  const skip = skipWithoutRuntime(runtime);
  test(`listen runs in ${version}`, { skip }, async (t) => {
    const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
    const listener = await listen(t, gateway, [backend], [], { runtime }).ready();
    gateway.event("task_1", "queued");
    await until(() => listener.lines.length === 1);
    assert.equal(await listener.stop(), 0);
  });
}
