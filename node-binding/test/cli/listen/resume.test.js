// The command `listen`: where it begins, where it goes on, and what ends it.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { TOKEN } from "../../support/fake-gateway.js";
import { deadUrl } from "../../support/run-cli.js";
import {
  backendOf,
  gatewayOf,
  listenIn,
  stateFolder,
  statusesOf,
  until,
} from "../../support/run-listen.js";

const home = stateFolder(after);
const listen = listenIn(home);

test("a restart forwards the events that came meanwhile, and none twice", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const first = await listen(t, gateway, [backend]).ready();
  gateway.event("task_1", "queued");
  await until(() => backend.received.length === 1);
  await first.stop();
  gateway.event("task_1", "processing");
  const second = await listen(t, gateway, [backend]).ready();
  await until(() => backend.received.length === 2);
  await second.stop("SIGINT");
  await listen(t, gateway, [backend]).ready();
  gateway.event("task_1", "completed");
  await until(() => backend.received.length === 3);
  assert.deepEqual(statusesOf(backend), ["queued", "processing", "completed"]);
});

test("after a signal running requests finish, and completed events are recorded", async (t) => {
  const [gateway, backend] = [await gatewayOf(t, 1), await backendOf(t)];
  const unanswered = [];
  backend.answer = (response) =>
    unanswered.length === 0 ? unanswered.push(response) : response.end();
  const listener = await listen(t, gateway, [backend]).ready();
  gateway.event("task_slow", "queued");
  await until(() => unanswered.length === 1);
  gateway.event("task_slow", "processing");
  for (const n of [1, 2, 3]) gateway.event(`task_${n}`, "queued");
  await until(() => listener.lines.length === 3);
  listener.signal("SIGTERM");
  await listener.says(/waiting for the event that is in progress/);
  unanswered[0].end();
  assert.equal(await listener.ended, 0);
  assert.equal(backend.received.length, 4, "what had not begun does not begin");
  const next = await listen(t, gateway, [backend]).ready();
  await until(() => next.lines.length === 1);
  assert.match(next.lines[0], /^processing +\[task_slow\] +→ 200$/);
  assert.equal(await next.stop(), 0);
  assert.equal(backend.received.length, 5);
});

test("a signal ends it, also while the gateway has not yet said how many shards it has", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const { promise, resolve } = Promise.withResolvers();
  gateway.held = promise;
  const listener = listen(t, gateway, [backend]);
  await until(() => gateway.counted > 0);
  listener.signal("SIGTERM");
  resolve();
  assert.equal(await listener.ended, 0);
});

test("an erasure is not forwarded, and no stream resumes after it", async (t) => {
  const [gateway, backend] = [await gatewayOf(t, 1), await backendOf(t)];
  const first = await listen(t, gateway, [backend]).ready();
  gateway.event("task_1", "queued");
  const { seq } = gateway.erase("task_2");
  await until(() => gateway.acknowledged[0] === seq);
  await first.stop();
  const second = await listen(t, gateway, [backend]).ready();
  gateway.event("task_1", "completed");
  await until(() => backend.received.length === 2);
  assert.equal(await second.stop(), 0);
  assert.equal(gateway.asked.at(-1).cursor, `1.1.0_${seq}`);
  assert.deepEqual(statusesOf(backend), ["queued", "completed"]);
});

test("each of several backends gets every event once", async (t) => {
  const gateway = await gatewayOf(t, 1);
  const [first, second] = [await backendOf(t), await backendOf(t)];
  const file = `${home}/several`;
  const state = ["--state", file];
  // The line about an event is printed before the journal has it: a kill in between forwards the event again.
  const isKept = () => readFileSync(file, "utf8").match(/"done":/g)?.length === 2;
  const listener = await listen(t, gateway, [first, second, first], state).ready();
  second.answer = () => {};
  gateway.event("task_1", "queued");
  gateway.event("task_1", "processing");
  await until(() => first.received.length === 2 && second.received.length === 1);
  await until(() => listener.lines.length === 2);
  assert.match(listener.lines[0], new RegExp(`→ ${first.url} 200$`));
  await until(isKept);
  await listener.stop("SIGKILL");
  second.answer = 200;
  const next = await listen(t, gateway, [second, first], state).ready();
  await until(() => second.received.length === 3);
  await next.stop();
  assert.deepEqual(statusesOf(first), ["queued", "processing"]);
  assert.deepEqual(statusesOf(second), ["queued", "queued", "processing"]);
});

test("several processes run concurrently, but not with the same state", async (t) => {
  const gateway = await gatewayOf(t);
  const backends = [await backendOf(t), await backendOf(t)];
  const [one, other] = backends.map((backend) => listen(t, gateway, [backend]));
  await Promise.all([one.ready(), other.ready()]);
  gateway.event("task_1", "queued");
  await until(() => backends.every(({ received }) => received.length === 1));
  const third = listen(t, gateway, [backends[0]]);
  assert.equal(await third.ended, 2);
  assert.match(third.stderr, /^error: process \d+ uses this state already\n.*--state <file>\n$/);
  // A killed process leaves a lock file, which does not block the next one.
  await one.stop("SIGKILL");
  await listen(t, gateway, [backends[0]]).ready();
});

test("it goes on where nobody reads its standard error", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const runtime = join(home, "without-stderr");
  writeFileSync(runtime, `#!/bin/bash\nexec '${process.execPath}' "$@" 2> >(true)\n`, {
    mode: 0o700,
  });
  const listener = await listen(t, gateway, [backend], ["--json"], { runtime }).ready();
  gateway.event("task_1", "queued");
  await until(() => backend.received.length === 1);
  assert.equal(await listener.stop(), 0);
});

test("--since overrides the state", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  const at = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();
  gateway.event("task_1", "queued", { received_at: at(30) });
  gateway.event("task_1", "processing", { received_at: at(2) });
  const first = await listen(t, gateway, [backend]).ready();
  assert.deepEqual([await first.stop(), backend.received.length], [0, 0]);
  for (const [since, expect] of [
    ["3h", ["processing"]],
    ["2d", ["queued", "processing"]],
    [at(31), ["queued", "processing"]],
    ["1m", []],
  ]) {
    backend.received = [];
    const listener = await listen(t, gateway, [backend], ["--since", since]).ready();
    await until(() => listener.lines.length === expect.length);
    await listener.stop();
    assert.deepEqual(statusesOf(backend), expect, since);
  }
});

test("a gap is a warning; with --strict it ends the command, each time", async (t) => {
  const [gateway, backend] = [await gatewayOf(t, 1), await backendOf(t)];
  const first = await listen(t, gateway, [backend]).ready();
  await first.stop();
  for (const n of [1, 2, 3]) gateway.event(`task_${n}`, "queued");
  gateway.prune();
  gateway.event("task_4", "queued");
  for (const _ of [1, 2]) {
    const strict = listen(t, gateway, [backend], ["--strict", "--json"]);
    assert.equal(await strict.ended, 3);
    assert.match(strict.stderr, /warning: .* no longer has events 1 to 3 of shard 0/);
    assert.deepEqual(strict.records, [{ type: "gap", shard: 0, from: 1, to: 3 }]);
  }
  const lenient = await listen(t, gateway, [backend]).ready();
  await until(() => lenient.lines.length === 1);
  await lenient.stop();
  assert.match(lenient.stderr, /warning: .* events 1 to 3 of shard 0/);
  const strict = await listen(t, gateway, [backend], ["--strict"]).ready();
  assert.equal(await strict.stop(), 0);
  assert.equal(backend.received.length, 1);
});

test("an unreachable gateway is reported once and waited for, also at the first start", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
  await gateway.down();
  const listener = listen(t, gateway, [backend]);
  await listener.says(/connection refused; retrying until it can be reached/);
  await gateway.up();
  await listener.ready();
  await gateway.down();
  await listener.says(/(refused[\s\S]*){2}/);
  gateway.event("task_1", "queued");
  await gateway.up();
  await until(() => listener.lines.length === 1);
  await listener.says(/(^listening$[\s\S]*){2}/m);
  assert.equal(listener.stderr.match(/refused/g).length, 2);
  assert.equal(await listener.stop(), 0);
});

for (const [name, args, expect] of [
  ["another token", { token: "another" }, /^error: the gateway refuses the token \(401\)\n/m],
  [
    "a server that is no gateway",
    { path: "/elsewhere" },
    /^error: there are no live updates .*\(404\)\n/m,
  ],
  [
    "a place that the gateway does not know",
    { status: 400 },
    /^error: .*resume at \(400\)\n.*--state/m,
  ],
]) {
  test(`the exit code is 1: ${name}`, async (t) => {
    const [gateway, backend] = [await gatewayOf(t), await backendOf(t)];
    const { token = TOKEN, path, status } = args;
    gateway.status = status;
    // The backend is a server that has no /api/live.
    if (path !== undefined) backend.answer = 404;
    const url = path === undefined ? gateway.url : new URL(backend.url).origin;
    const listener = listen(t, { url }, [backend], [], { token });
    assert.equal(await listener.ended, 1);
    assert.match(listener.stderr, expect);
    assert.doesNotMatch(listener.stderr, /another\b.*token|admin-token/);
  });
}

test("a state that can't be written ends the command", async (t) => {
  const [gateway, backend] = [await gatewayOf(t), { url: await deadUrl() }];
  const listener = listen(t, gateway, [backend], ["--state", "/dev/null/state"]);
  assert.equal(await listener.ended, 2);
  assert.match(listener.stderr, /^error: the state can't be kept in \/dev\/null\/state \(\w+\)\n/);
});
