// Events are pruned while subscribers are behind: those get a gap, and never an event without its body.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "./support/backend.js";
import { acknowledged, ahead, attempted, delivery, named } from "./support/deliveries.js";
import { event, Gateway, until } from "./support/gateway.js";
import { live, opened, ready, streams } from "./support/streams.js";

const KIB = 1024;
/** How far ahead of its acknowledgements a subscriber is sent what is stored. */
const AHEAD = 256 * KIB;
const RETENTION = 480;
const HOUR = 3_600_000;

let gateway;
let backend;
before(async () => {
  backend = await Backend.start();
  const bindings = { SHARDS: "1", RETENTION_HOURS: String(RETENTION), ...ahead(0) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const timeline = async (id) => (await gateway.api(`/api/tasks/${id}`)).body.events;
const seqs = async (id) => (await timeline(id)).map(({ seq }) => seq);
const size = ({ bytes }) => bytes.reduce((sum, each) => sum + each, 0);

/** Restarts with a clock that is some hours ahead, and so many times faster from then on. */
async function skipTo(hours, scale = 2) {
  await gateway.halt();
  const from = Date.now() - (hours * HOUR) / (scale - 1);
  await gateway.restart({ CLOCK_SCALE: String(scale), CLOCK_FROM: String(Math.round(from)) });
}

test("pruning overtakes a subscriber in its catch-up: a gap, a snapshot, and the stored events", async (t) => {
  const id = "task_overtaken";
  const PATHS = ["/api/live/0", "/api/live", live(id)];
  const { last: resume } = await ready(t, "SSE", gateway, "/api/live/0");
  // Nothing is pruned as long as the first delivery is pending: the backend fails, and then does not answer yet.
  backend.answer = "fail";
  await gateway.register(backend.url, { events: ["owed"] });
  await acknowledged(gateway, named("owed", id));
  await delivery(gateway, { task_id: id }, attempted);
  const long = (nth) =>
    JSON.stringify({ event: "rated", task_id: id, nth, pad: "x".repeat(10 * KIB) });
  await acknowledged(gateway, ...Array.from({ length: 40 }, (_, nth) => long(nth)));
  const old = await seqs(id);
  const { promise: answered, resolve: answer } = Promise.withResolvers();
  backend.answer = ({ response }) => answered.then(() => response.end("ok"));
  // From then on an hour takes a second.
  await skipTo(RETENTION + 1, 3600);
  await acknowledged(gateway, event(id, "processing"));
  const [lastSeq] = (await seqs(id)).slice(-1);

  const subscribers = [];
  for (const path of PATHS) {
    const options = { acks: false, resume, query: { bodies: "1" } };
    const subscriber = await opened(t, "WebSocket", gateway, path, options);
    await subscriber.holds(() => size(subscriber) >= AHEAD);
    subscribers.push([path, subscriber]);
  }
  assert.deepEqual(await seqs(id), [...old, lastSeq], "all of it is there still");
  answer();
  await until(async () => !(await seqs(id)).includes(old[0]));

  for (const [path, subscriber] of subscribers) {
    const before = subscriber.messages.length;
    assert.equal(subscriber.all("event").length, before, path);
    const seen = subscriber.messages.at(-1).seq;
    assert.ok(seen < old.at(-1), `${path}: up to ${seen}`);
    subscriber.ack();
    await subscriber.until("ready");
    const received = subscriber.messages.slice(before);
    const types = received.map(({ type }) => type);
    assert.deepEqual(types, ["gap", "snapshot", "event", "ready"], path);
    const [gap, { task, tasks }, { seq, body }] = received;
    assert.deepEqual([gap.from, gap.to], [seen + 1, old.at(-1)], path);
    assert.equal((task ?? tasks[0]).status, "processing", path);
    assert.equal(seq, lastSeq, path);
    assert.equal(String(Buffer.from(body, "base64")), event(id, "processing"), path);
    // Who is cut off before the snapshot gets it, and who has seen it has no gap again.
    for (const [nth, expected] of [types, types, ["ready"], ["ready"]].entries()) {
      const then = await ready(t, "SSE", gateway, path, { resume: received[nth].id });
      const place = `${path} after ${types[nth]}`;
      assert.deepEqual(
        then.messages.map(({ type }) => type),
        expected,
        place,
      );
    }
  }
});

test("pruned events are not sent, neither in a backlog nor in a task's timeline", async (t) => {
  const id = "task_emptied";
  backend.answer = "ok";
  await gateway.register(backend.url, { events: ["order.secret"] });
  await skipTo(2 * RETENTION);
  // An event by another name leaves a row, which identifies its duplicates.
  await acknowledged(gateway, named("order.secret", id));
  const { id: delivered } = await delivery(gateway, { task_id: id });
  await acknowledged(gateway, event("task_beside", "queued"));
  const [secret] = await seqs(id);
  const [beside] = await seqs("task_beside");
  // What is replayed shortly before has a number above what goes with it, and the next one follows that.
  await skipTo(3 * RETENTION - 1);
  const path = `/api/deliveries/${delivered}/replay`;
  assert.equal((await gateway.api(path, { method: "POST" })).status, 202);
  await delivery(gateway, { task_id: id }, ({ state, attempts: { length } }) => {
    return state === "delivered" && length === 2;
  });
  await acknowledged(gateway, event(id, "queued"));
  const lastSeq = (await seqs(id)).at(-1);
  assert.equal(lastSeq, beside + 2, "the replay is between");
  const whole = await ready(t, "SSE", gateway, "/api/live/0", { query: { since: "30d" } });
  const ids = new Map(whole.messages.map((message) => [message.seq, message.id]));
  assert.equal(whole.all("replay")[0].of, secret);
  await skipTo(3 * RETENTION + 1);
  await gateway.api("/api/tasks");
  await until(async () => (await gateway.api("/api/tasks/task_beside")).status === 404);

  for (const { transport, what, path } of streams(0, 1)) {
    for (const [seq, isGap] of [
      [secret, true],
      [beside, false],
      [beside + 1, false],
    ]) {
      const options = { resume: ids.get(seq), query: { bodies: "1" } };
      const subscriber = await ready(t, transport, gateway, path(id), options);
      const place = `${transport} of ${what} after ${seq}`;
      const types = subscriber.messages.map(({ type }) => type);
      assert.deepEqual(types, [...(isGap ? ["gap", "snapshot"] : []), "event", "ready"], place);
      const [received] = subscriber.all("event");
      assert.equal(received.seq, lastSeq, place);
      assert.equal(String(Buffer.from(received.body, "base64")), event(id, "queued"), place);
    }
  }
});
