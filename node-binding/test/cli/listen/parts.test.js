// Unit tests of `listen`: the queue, the tracker of acknowledgements, the state file, the protocol.

import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { likeWindows } from "../../support/like-windows.js";
import { source } from "../../support/load-source.js";
import { stateFolder } from "../../support/run-listen.js";

const { KeyedQueue } = await source("listen/keyed-queue");
const { AckTracker } = await source("listen/ack-tracker");
const { parseMessage } = await source("gateway/protocol");
const { defaultPath, StateFile } = await source("state/state-file");

const folder = stateFolder(after);
const GATEWAY = new URL("https://gateway.example");

/** A job that a test ends. */
function held(log, name) {
  let end;
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  const run = async () => {
    log.push(name);
    await ended;
  };
  return { run, end };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("the queue runs jobs of one key in order, and others concurrently up to a limit", async () => {
  const log = [];
  const queue = new KeyedQueue(2);
  const jobs = Object.fromEntries(["a1", "a2", "b1", "c1"].map((name) => [name, held(log, name)]));
  for (const [name, { run }] of Object.entries(jobs)) queue.add(name[0], run);
  assert.deepEqual(log, ["a1", "b1"]);
  jobs.b1.end();
  await turn();
  assert.deepEqual(log, ["a1", "b1", "c1"]);
  jobs.a1.end();
  await turn();
  assert.deepEqual(log, ["a1", "b1", "c1", "a2"]);
  assert.equal(queue.running, 2);
});

test("a stopped queue starts no job, and waits for those that run", async () => {
  const log = [];
  const queue = new KeyedQueue(1);
  const [first, second] = [held(log, "first"), held(log, "second")];
  queue.add("key", first.run);
  queue.add("key", second.run);
  queue.stop();
  let isIdle = false;
  const idle = queue.idle().then(() => {
    isIdle = true;
  });
  await turn();
  assert.equal(isIdle, false);
  first.end();
  await idle;
  assert.deepEqual(log, ["first"]);
  await new KeyedQueue(1).idle();
});

test("messages are parsed up to the first incomplete one", () => {
  const tracker = new AckTracker();
  const items = [1, 1, 0, 1].map((remaining, n) => ({ id: `${n}`, seq: n, bytes: 10, remaining }));
  const taken = () => tracker.takeCompleted().map(({ id }) => id);
  for (const item of items) tracker.add(item);
  assert.equal(tracker.pendingBytes, 40);
  items[1].remaining = 0;
  assert.deepEqual(taken(), []);
  items[0].remaining = 0;
  assert.deepEqual(taken(), ["0", "1", "2"]);
  assert.equal(tracker.pendingBytes, 10);
  items[3].remaining = 0;
  assert.deepEqual(taken(), ["3"]);
  assert.equal(tracker.pendingBytes, 0);
});

const EVENT = {
  type: "event",
  id: "1.1.0_1",
  seq: 1,
  task_id: "task_1",
  event: "generation.status_changed",
  status: "queued",
  outcome: "applied",
  received_at: "2026-07-01T12:00:00.000Z",
  webhook_id: "evt_1",
  body: "/wA=",
  signature: "0".repeat(64),
};
const { ProtocolError } = await source("gateway/protocol");
const reading = (message) => parseMessage(JSON.stringify(message));

test("the protocol: a body is decoded to its bytes, and malformed header values are dropped", () => {
  assert.deepEqual([...reading(EVENT).sent.body], [255, 0]);
  for (const [change, field, expect] of [
    [{ signature: "0".repeat(63) }, "sent", null],
    [{ signature: undefined }, "sent", null],
    [{ body: null }, "sent", null],
    [{ webhook_id: "evt_1\r\nx: y" }, "webhookId", null],
    [{ webhook_id: undefined }, "webhookId", null],
    [{ task_id: null }, "task", null],
    [{}, "imported", false],
    [{ imported: true }, "imported", true],
    [{ status: 1 }, "status", null],
  ]) {
    assert.equal(reading({ ...EVENT, ...change })[field], expect, JSON.stringify(change));
  }
});

test("the protocol: unknown types are ignored, and known ones have to be complete", () => {
  for (const message of [{ type: "delivery" }, { type: "later" }, {}]) {
    assert.equal(reading(message), undefined);
  }
  for (const message of [
    "text",
    null,
    { type: "ready" },
    { type: "snapshot", id: 1 },
    { type: "gap", id: "1", from: 1, to: "2" },
    { type: "erased", id: "1", seq: 1 },
    { ...EVENT, id: undefined },
    { ...EVENT, seq: 1.5 },
    { ...EVENT, type: "replay", received_at: 5 },
  ]) {
    assert.throws(() => reading(message), { name: "Error" }, JSON.stringify(message));
  }
  assert.throws(() => parseMessage("{"));
  assert.equal(typeof ProtocolError, "function");
});

let files = 0;
const newFile = () => {
  files += 1;
  return join(folder, "states", `${files}.jsonl`);
};
const open = (path, since) => new StateFile(path, GATEWAY, since);

test("the state: the next process knows what was recorded, also after a kill", () => {
  const path = newFile();
  const state = open(path);
  assert.equal(state.cursor(0), undefined);
  state.advance(0, "1.2.0_5", 5);
  state.done(0, 7, "a");
  state.done(0, 7, "b");
  state.done(0, 8, "a");
  state.done(1, 8, "a");
  // Its process was killed: the lock is stale, and a line may be torn.
  writeFileSync(`${path}.lock`, "4194304 1\n");
  appendFileSync(path, '{"s":0,"cursor":"1.2.');
  const next = open(path);
  assert.equal(next.cursor(0), "1.2.0_5");
  assert.deepEqual(
    [7, 8, 9].flatMap((seq) => ["a", "b"].map((at) => next.isDone(0, seq, at))),
    [true, true, true, false, false, false],
  );
  next.advance(0, "1.2.0_7", 7);
  assert.equal(next.isDone(0, 7, "a"), false, "events up to the cursor are dropped");
  assert.equal(next.isDone(1, 8, "a"), true);
  next.close();
  assert.equal(existsSync(`${path}.lock`), false);
});

for (const [name, from, to, kept] of [
  ["the events that it covers are dropped", 6, 8, [false, true]],
  ["events whose numbers are reused are dropped", 4, 5, [false, false]],
]) {
  test(`the state: after a gap ${name}`, () => {
    const path = newFile();
    const state = open(path);
    state.advance(0, "1.1.0_5", 5);
    for (const seq of [7, 9]) state.done(0, seq, "a");
    state.gap(0, from, to);
    const known = (state) => [7, 9].map((seq) => state.isDone(0, seq, "a"));
    assert.deepEqual(known(state), kept);
    state.close();
    const next = open(path);
    assert.deepEqual(known(next), kept);
    next.close();
  });
}

test("the state: `since` discards it, and applies to shards without a position", () => {
  const path = newFile();
  const first = open(path);
  first.advance(0, "1.2.0_5", 5);
  first.close();
  const second = open(path, "2026-07-01T12:00:00.000Z");
  assert.equal(second.cursor(0), undefined);
  second.advance(0, "1.2.0_1", 1);
  second.close();
  const third = open(path);
  assert.deepEqual(
    [third.cursor(0), third.cursor(1), third.since],
    ["1.2.0_1", undefined, "2026-07-01T12:00:00.000Z"],
  );
  third.close();
});

for (const [name, content, expect] of [
  ["another file", '{"name":"shop"}\n', /no state of this command/],
  ["no JSON", "no json\n", /no state of this command/],
  ["another gateway's", '{"gateway":"0","since":null}\n', /of another gateway/],
]) {
  test(`the state: ${name} is not changed, not even with a time to begin at`, () => {
    const path = newFile();
    writeFileSync(path, content);
    for (const since of [undefined, "2026-07-01T12:00:00.000Z"]) {
      assert.throws(() => open(path, since), expect);
      assert.equal(readFileSync(path, "utf8"), content);
      assert.equal(existsSync(`${path}.lock`), false);
    }
  });
}

test("the state: invalid lines are skipped, and its default path does not depend on the order of backends", () => {
  const path = newFile();
  const first = open(path);
  first.advance(0, "1.1.0_5", 5);
  first.close();
  appendFileSync(path, 'null\n7\n{}\n[]\n"s"\n');
  const second = open(path);
  assert.equal(second.cursor(0), "1.1.0_5");
  second.close();
  const [a, b] = [new URL("http://a/"), new URL("http://b/")];
  assert.equal(defaultPath("listen", GATEWAY, [a, b]), defaultPath("listen", GATEWAY, [b, a, b]));
  assert.notEqual(defaultPath("listen", GATEWAY, [a, b]), defaultPath("listen", GATEWAY, [a]));
});

test("the state: the file is compacted, on Windows too", (t) => {
  likeWindows(t);
  const path = newFile();
  const state = open(path);
  for (let seq = 1; seq <= 30_000; seq += 1) state.advance(0, `1.1.0_${seq}`, seq);
  assert.ok(readFileSync(path).length < 1.1 * 1024 * 1024);
  state.close();
  const next = open(path);
  assert.equal(next.cursor(0), "1.1.0_30000");
  assert.ok(readFileSync(path).length < 200);
  next.close();
});
