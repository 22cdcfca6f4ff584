// A subscriber that is cut off anywhere and goes on by its last id has read all that is stored: no gap, no repeat.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { random } from "../../support/random.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, deliveries, taskOf } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { live, streams } from "../support/live/streams.js";
import { TRANSPORTS, view } from "../support/live/subscriber.js";
import { comparable, postScenario, readAtOnce, readInPieces } from "../support/scenario.js";

const SHARDS = 2;
const SHARD = 0;
const ROUNDS = 60;

let gateway;
let backend;
/** Each scenario has a gateway of its own: what came before it would be read again by every reader. */
beforeEach(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: String(SHARDS) } });
  backend = await Backend.start();
  // Only some of the events are delivered, and can be replayed.
  await gateway.register(backend.url, { statuses: ["queued", "failed"] });
});
afterEach(async () => {
  await gateway.stop();
  await backend.stop();
});

/** All events of the listed tasks, as their timelines tell them: the sequence is held to something else than itself. */
async function timelines() {
  const found = [];
  let cursor = "";
  do {
    const { body } = await gateway.api(`/api/tasks?limit=100${cursor && `&cursor=${cursor}`}`);
    for (const { task_id } of body.tasks) {
      const { events, truncated } = (await gateway.api(`/api/tasks/${task_id}`)).body;
      assert.equal(truncated, undefined);
      found.push(...events.map(({ seq, outcome }) => `${task_id} ${seq} ${outcome}`));
    }
    cursor = body.cursor;
  } while (cursor);
  return found.sort();
}

/** Compares the messages of a shard from its beginning with the API. */
async function checkStored(sequence) {
  const events = sequence.filter(({ type, task_id }) => type === "event" && task_id !== null);
  assert.deepEqual(
    events.map(({ task_id, seq, outcome }) => `${task_id} ${seq} ${outcome}`).sort(),
    await timelines(),
  );
  const unread = sequence.filter(({ outcome }) => outcome === "quarantined");
  const { quarantine } = (await gateway.api("/api/quarantine?limit=100")).body;
  assert.equal(unread.length, quarantine.length);
  const replays = sequence.filter(({ type }) => type === "replay");
  const all = await deliveries(gateway);
  assert.equal(
    replays.length,
    all.reduce((sum, { replay_count }) => sum + replay_count, 0),
  );
  assert.ok(unread.length > 0 && replays.length > 0, "the scenario has some of each");
}

/** Reads a scenario by all streams at once, each of which is disconnected at other points. */
async function scenario(seed, meanwhile = async () => {}) {
  const watched = taskOf(SHARD, SHARDS, `watched_${seed}`);
  // The end of the scenario, in each shard: an event by another name, which no round repeats.
  const ends = [watched, taskOf(1, SHARDS, `end_${seed}`)];
  const isEnd = ({ task_id, event }) => ends.includes(task_id) && event === "scenario.ended";
  const all = streams(SHARD, SHARDS);
  const readers = all.map(({ transport, path, shards }, nth) =>
    readInPieces(transport, gateway, path(watched), {
      pick: random(seed * 100 + nth),
      isOver: (read) => read.filter(isEnd).length === shards.length,
    }),
  );
  const both = Promise.all([postScenario(gateway, seed, ROUNDS, [watched]), meanwhile()]);
  // A reader that fails ends the test at once.
  await Promise.race([both, Promise.all(readers)]);
  await both;
  for (const task_id of ends) {
    await acknowledged(gateway, JSON.stringify({ event: "scenario.ended", task_id }));
  }
  const read = await Promise.all(readers);

  const stored = await Promise.all(
    [0, 1].map((shard) => readAtOnce(gateway, `/api/live/${shard}`)),
  );
  await checkStored(stored.flat());
  for (const [nth, { transport, what, shards, ofTask }] of all.entries()) {
    for (const shard of shards) {
      const expected = stored[shard].filter(({ task_id }) => !ofTask || task_id === watched);
      const got = read[nth].filter((message) => message.shard === shard);
      assert.deepEqual(
        got.map(comparable),
        expected.map(comparable),
        `${transport} of ${what}, shard ${shard}`,
      );
    }
  }
  for (const sequence of stored) {
    const seqs = sequence.map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].toSorted((a, b) => a - b),
      "numbers rise",
    );
  }
}

for (const seed of [1, 2, 3]) {
  test(`cut off again and again, scenario ${seed}`, () => scenario(seed));
}

test("the gateway is killed and started again in the midst of it", () =>
  scenario(4, async () => {
    for (const _ of [1, 2]) {
      const from = backend.received.length;
      await until(() => backend.received.length > from + 5);
      await gateway.crash();
    }
  }));

for (const { transport, what, path, shards } of streams(SHARD, SHARDS)) {
  test(`${transport} of ${what}: cut off among the first messages`, async () => {
    const ids = [0, 1].map((shard) => taskOf(shard, SHARDS, "task_first"));
    await acknowledged(gateway, ...ids.map((id) => event(id, "queued")));
    // Of each shard a snapshot and that it is ready.
    for (let count = 1; count < 2 * shards.length; count++) {
      const first = await view(transport, gateway, path(ids[SHARD]));
      await first.holds(({ messages }) => messages.length >= count);
      first.cut();
      const seen = first.messages.slice(0, count);
      const news = ids.map((task_id) => event(task_id, `news ${count}`));
      await acknowledged(gateway, ...news);
      const then = await view(transport, gateway, path(ids[SHARD]), { resume: seen.at(-1).id });
      await then.holds(() => then.all("ready").length === shards.length);
      then.cut();
      for (const shard of shards) {
        const all = [...seen, ...then.messages].filter((message) => message.shard === shard);
        const [snapshot, ...others] = all.filter(({ type }) => type === "snapshot");
        assert.deepEqual(others, [], `one snapshot of shard ${shard}, cut off after ${count}`);
        assert.ok(snapshot, `a snapshot of shard ${shard}, cut off after ${count}`);
        // Events of the meantime are in it, or follow it.
        const { seq } = snapshot.task ?? snapshot.tasks[0];
        const comparable = all.filter(({ type }) => type === "event").map((message) => message.seq);
        const { events } = (await gateway.api(`/api/tasks/${ids[shard]}`)).body;
        const after = events.map((each) => each.seq).filter((each) => each > seq);
        assert.deepEqual(comparable, after, `shard ${shard}, cut off after ${count}`);
      }
    }
  });
}

test("missed events are sent in the catch-up, in a new instance too", async () => {
  const id = taskOf(SHARD, SHARDS, "task_absent");
  await acknowledged(gateway, event(id, "queued"));
  const [{ id: resume }] = (await readAtOnce(gateway, live(id))).slice(-1);
  await acknowledged(gateway, event(id, "processing"));
  await gateway.crash();
  await acknowledged(gateway, event(id, "completed"));
  for (const transport of TRANSPORTS) {
    const options = { pick: () => 9, isOver: (read) => read.length === 2, resume };
    const read = await readInPieces(transport, gateway, live(id), options);
    assert.deepEqual(
      read.map(({ status }) => status),
      ["processing", "completed"],
    );
  }
});
