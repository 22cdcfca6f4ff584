// The stream of one shard: disconnections, pauses, pings, errors.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TOKEN } from "../../support/fake-gateway.js";
import { source } from "../../support/load-source.js";
import { gatewayOf, until } from "../../support/run-listen.js";

const { backoff, Stream } = await source("gateway/stream");

test("the backoff doubles up to its limit, and half of it is jitter", () => {
  const timing = { firstMs: 500, lastMs: 30_000 };
  const waits = (random) => [0, 1, 5, 6, 2000].map((n) => backoff(n, timing, random));
  assert.deepEqual(waits(1), [500, 1000, 16_000, 30_000, 30_000]);
  assert.deepEqual(waits(0), [250, 500, 8000, 15_000, 15_000]);
});

/** Opens the stream of shard 0, and collects its messages. */
function following(t, gateway, timing = {}, token = TOKEN) {
  const messages = [];
  const listener = {
    message: ({ type, seq }) => messages.push(seq === undefined ? type : `${type} ${seq}`),
    ignored: () => {},
    away: (reason) => messages.push(`away: ${reason}`),
  };
  const all = { pingMs: 60_000, pongMs: 60_000, openMs: 5000, firstMs: 1, lastMs: 20, ...timing };
  const from = { gateway: new URL(gateway.url), token, shard: 0, cursor: undefined, since: null };
  const stream = new Stream(from, listener, all);
  const ended = stream.run();
  // The test looks at how it ends where that matters.
  ended.catch(() => {});
  t.after(() => stream.stop());
  return { stream, ended, messages };
}

test("the stream: after any disconnection no message is missed or repeated", async (t) => {
  const gateway = await gatewayOf(t, 1);
  const { messages, stream, ended } = following(t, gateway);
  await until(() => messages.includes("ready"));
  const seqs = () => messages.filter((line) => line.startsWith("event"));
  for (const [at, code] of [undefined, 1001, 1013, 1012].entries()) {
    const { seq } = gateway.event("task_1", "queued");
    await until(() => messages.includes(`event ${seq}`));
    gateway.cut(code);
    gateway.event("task_1", "queued");
    await until(() => seqs().length === 2 * at + 2);
  }
  assert.deepEqual(
    seqs(),
    [1, 2, 3, 4, 5, 6, 7, 8].map((seq) => `event ${seq}`),
  );
  stream.stop();
  await ended;
});

/** how it is closed: with which code, and how long it waits before it comes back, at least */
const CLOSED = {
  "was too slow reconnects at once": {
    code: 1013,
    timing: { firstMs: 600_000, lastMs: 600_000 },
    least: 0,
  },
  "has lost its shard waits before it reconnects": {
    code: 1012,
    timing: { firstMs: 400, lastMs: 400 },
    least: 190,
  },
};
for (const [what, { code, timing, least }] of Object.entries(CLOSED)) {
  test(`the stream: one that ${what} (${code})`, async (t) => {
    const gateway = await gatewayOf(t, 1);
    const { messages } = following(t, gateway, timing);
    const readies = () => messages.filter((line) => line === "ready").length;
    await until(() => readies() === 1);
    const begun = performance.now();
    gateway.cut(code);
    await until(() => readies() === 2);
    assert.ok(performance.now() - begun >= least);
  });
}

test("the stream: reconnects when pings are not answered, and not while they are", async (t) => {
  const gateway = await gatewayOf(t, 1);
  gateway.answersPings = false;
  const { messages } = following(t, gateway, { pingMs: 20, pongMs: 20 });
  await until(() => messages.filter((line) => line === "ready").length > 2);
  gateway.answersPings = true;
  await until(() => gateway.pongs > 5);
});

test("the stream: while it is paused nothing is read, and missing pongs do not disconnect it", async (t) => {
  const gateway = await gatewayOf(t, 1);
  const { messages, stream } = following(t, gateway, { pingMs: 20, pongMs: 20 });
  await until(() => messages.includes("ready"));
  stream.pause();
  const before = messages.length;
  gateway.event("task_1", "queued");
  gateway.answersPings = false;
  // In the same time a stream that is not paused receives the event and reconnects repeatedly.
  const other = following(t, gateway, { pingMs: 20, pongMs: 20 });
  await until(() => other.messages.filter((line) => line === "ready").length > 5);
  assert.equal(messages.length, before);
  gateway.answersPings = true;
  stream.resume();
  await until(() => messages.includes("event 1"));
});

test("the stream: 4xx ends it, 5xx is retried", async (t) => {
  const gateway = await gatewayOf(t, 1);
  gateway.status = 503;
  const { messages } = following(t, gateway);
  await until(() => messages.length > 2);
  assert.equal(messages[0], "away: it answers 503");
  gateway.status = undefined;
  await until(() => messages.includes("ready"));
  const { ended } = following(t, gateway, {}, "another");
  await assert.rejects(ended, /refuses the token \(401\)/);
});
