// Sockets that are lost: when they are opened again, who is asked before, and where they go on.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { SharedCheck } from "../../edge-worker/dashboard/src/live/shared-check.js";
import { event, follow, ready } from "./support/fake-feed.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
afterEach(() => mock.timers.reset());

for (const { name, code } of [
  { name: "a lost connection", code: 1006 },
  { name: "too much unacknowledged", code: 1013 },
  { name: "a deployment", code: 1012 },
  { name: "a close in good order", code: 1000 },
]) {
  test(`after ${name} (${code}) it resumes with the last id`, () => {
    const { sockets, last } = follow();
    last().accept(event(1), ready("id/1+?"));
    last().tell({ type: "delivery", shard: 0, delivery: "dlv_0_1", task_id: "a", state: "dead" });
    last().drop(code);
    mock.timers.tick(375);
    assert.equal(sockets.length, 2);
    assert.equal(last().url, "/api/live/0?cursor=id%2F1%2B%3F");
  });
}

test("it waits longer each time, and at once less after it was live", () => {
  const { feed, sockets, last } = follow();
  const waits = [];
  const fail = () => {
    const before = sockets.length;
    last().drop();
    waits.push(feed.state.retryAt - Date.now());
    mock.timers.tick(waits.at(-1) - 1);
    assert.equal(sockets.length, before, "not before its time");
    mock.timers.tick(1);
    assert.equal(sockets.length, before + 1);
  };
  for (let nth = 0; nth < 9; nth += 1) fail();
  assert.deepEqual(waits, [375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
  last().accept(event(1));
  fail();
  assert.equal(waits.at(-1), 22_500, "open is not yet live");
  last().accept(ready());
  fail();
  assert.equal(waits.at(-1), 375);
});

/** Lets what promises have waiting run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A feed whose check answers as `answers` say, one after the other, and then for ever as the last. */
function followChecked(shards, answers) {
  const ask = mock.fn(async () => (answers.length > 1 ? answers.shift() : answers[0]));
  return { ...follow(shards, new SharedCheck(ask)), asked: () => ask.mock.callCount() };
}

test("sockets that are lost together ask once before they are opened again", async () => {
  const { feed, sockets, asked } = followChecked(16, [true]);
  for (const socket of sockets) socket.accept(ready());
  assert.equal(asked(), 0, "whoever has just been let in need not ask");
  for (const socket of [...sockets]) socket.drop();
  mock.timers.tick(375);
  assert.equal(sockets.length, 16, "not before the answer");
  await settle();
  assert.deepEqual([asked(), sockets.length], [1, 32]);
  // One that is lost after that asks anew.
  sockets.at(-1).drop();
  mock.timers.tick(750);
  await settle();
  assert.deepEqual([asked(), sockets.length], [2, 33]);
  feed.stop();
});

test("no socket is opened while the API refuses or can't be reached: it retries with growing pauses", async () => {
  const { feed, sockets, asked } = followChecked(16, [false, false, true]);
  for (const socket of [...sockets]) socket.drop();
  for (const [nth, wait] of [375, 750].entries()) {
    mock.timers.tick(wait);
    await settle();
    assert.deepEqual([asked(), sockets.length], [nth + 1, 16]);
    assert.equal(feed.state.phase, "waiting");
  }
  mock.timers.tick(1500);
  await settle();
  assert.deepEqual([asked(), sockets.length], [3, 32]);
});

test("stopped while it asks, it opens nothing", async () => {
  const { feed, sockets, asked } = followChecked(2, [true]);
  for (const socket of [...sockets]) socket.drop();
  mock.timers.tick(375);
  feed.stop();
  await settle();
  mock.timers.tick(60_000);
  assert.deepEqual([asked(), sockets.length, feed.state.phase], [1, 2, "idle"]);
});

test("a silent connection is pinged, and closed if nothing answers", () => {
  const { feed, sockets, last } = follow();
  last().accept(ready());
  const [first] = sockets;
  const pings = () => first.sent.filter((text) => text === "ping").length;
  mock.timers.tick(25_000);
  assert.equal(pings(), 1);
  first.tell("pong");
  mock.timers.tick(25_000);
  assert.equal(pings(), 2);
  mock.timers.tick(10_000);
  assert.equal(first.isClosed, true);
  assert.equal(feed.state.phase, "waiting");
});

test("stopped and started again it resumes, and receives nothing in between", () => {
  const { feed, sockets, messages, last } = follow();
  last().accept(event(1), ready("id1"));
  const [first] = sockets;
  feed.stop();
  assert.equal(first.isClosed, true);
  assert.equal(first.onmessage, null);
  mock.timers.tick(60_000);
  assert.equal(sockets.length, 1);
  feed.start();
  assert.equal(last().url, "/api/live/0?cursor=id1");
  assert.equal(messages.length, 2);
});

test("after what it is about was erased (1000) it does not connect again", () => {
  const { feed, sockets, last } = follow();
  last().accept(ready());
  last().drop(1000, "erased");
  mock.timers.tick(60_000);
  feed.retryNow();
  assert.equal(sockets.length, 1);
});

test("asked to, it does not wait any longer", () => {
  const { feed, sockets, last } = follow();
  last().drop();
  feed.retryNow();
  assert.equal(sockets.length, 2);
  mock.timers.tick(60_000);
  assert.equal(sockets.length, 2, "the wait that was cut short is over");
});

test("a shard that is ready again says so: hints that were sent in between are not repeated", () => {
  const { sockets, messages, last } = follow(2);
  const ofReady = () => messages.map(({ shard, resumed }) => [shard, resumed]);
  for (const [shard, socket] of sockets.entries()) socket.accept(ready(`id${shard}`, shard));
  assert.deepEqual(ofReady(), [
    [0, false],
    [1, false],
  ]);
  messages.length = 0;
  sockets[1].drop();
  mock.timers.tick(375);
  last().accept(ready("id2", 1));
  assert.deepEqual(ofReady(), [[1, true]]);
});

test("of a socket for all shards, each is ready by itself", () => {
  const { messages, last } = follow(65);
  const both = () => [ready("id0", 0), ready("id1", 1)];
  last().accept(...both());
  last().drop();
  mock.timers.tick(375);
  last().accept(...both());
  assert.deepEqual(
    messages.map(({ resumed }) => resumed),
    [false, false, true, true],
  );
});
