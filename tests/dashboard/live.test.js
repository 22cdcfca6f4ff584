// Live updates as the dashboard follows them: over sockets that a test holds in its hands, on a clock that it turns.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { at, erased, event, follow, ready, task } from "./support/fake-feed.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
afterEach(() => mock.timers.reset());

test("a socket is opened for each shard, and one for all where there are too many", () => {
  const tables = [
    { shards: 3, paths: ["/api/live/0", "/api/live/1", "/api/live/2"] },
    { shards: 65, paths: ["/api/live"] },
  ];
  for (const { shards, paths } of tables) {
    const { sockets } = follow(shards);
    assert.deepEqual(
      sockets.map(({ url }) => url),
      paths,
      `${shards} shards`,
    );
  }
});

test("the state shows how many sockets are live", () => {
  const { feed, sockets } = follow(2);
  assert.equal(feed.state.phase, "connecting");
  sockets[0].accept(ready());
  // Nothing is wrong with a page that still connects.
  assert.deepEqual(feed.state, { phase: "connecting", live: 1, sockets: 2, retryAt: undefined });
  sockets[1].accept(ready("id0", 1));
  assert.equal(feed.state.phase, "live");
  sockets[0].drop();
  assert.equal(feed.state.phase, "partly");
  sockets[1].drop();
  assert.equal(feed.state.phase, "waiting");
  assert.equal(feed.state.retryAt, Date.now() + 375);
  feed.stop();
  assert.equal(feed.state.phase, "idle");
});

test("a socket that was lost is missed until it is live again", () => {
  const { feed, sockets } = follow(2);
  for (const [shard, socket] of sockets.entries()) socket.accept(ready(`id${shard}`, shard));
  sockets[0].drop();
  mock.timers.tick(500);
  assert.equal(sockets.length, 3);
  assert.equal(feed.state.phase, "partly");
  sockets[2].accept(ready());
  assert.equal(feed.state.phase, "live");
});

test("events of several shards are merged by the time at which they were received", () => {
  const { feed, sockets } = follow(2);
  sockets[0].accept(event(1, { received_at: at(1) }), event(2, { received_at: at(5) }), ready());
  sockets[1].accept(
    event(1, { shard: 1, received_at: at(3) }),
    event(1, { shard: 1, received_at: at(3) }),
  );
  const shown = feed.events.map(({ shard, seq }) => `${shard}.${seq}`);
  assert.deepEqual(shown, ["0.2", "1.1", "0.1"]);
});

test("an old event never moves a task back", () => {
  const { feed, last } = follow();
  last().accept(
    event(7, { task: task("a", "completed", 7) }),
    event(3, { task: task("a", "queued", 3) }),
  );
  const [shown] = feed.taskStates.over([], { complete: true });
  assert.equal(shown.status, "completed");
});

test("whoever has noted how many states were taken learns that a later one is forgotten", () => {
  const { feed, last } = follow();
  const { taskStates } = feed;
  const tell = (from, count) => {
    const seqs = Array.from({ length: count }, (_, nth) => from + nth);
    last().tell(...seqs.map((seq) => event(seq, { task: task(`task_${seq}`, "queued", seq) })));
  };
  last().accept(event(1, { task: task("before", "completed", 1) }));
  const mark = taskStates.taken;
  tell(2, 2000);
  assert.ok(
    taskStates.forgottenTo <= mark,
    "what was forgotten is older than what was loaded then",
  );
  last().tell(event(2002, { task: task("task_2", "completed", 2002) }));
  tell(2003, 1);
  assert.ok(taskStates.forgottenTo > mark);
  const [listed] = taskStates.over([task("task_3", "processing", 3)]);
  assert.equal(listed.status, "processing", "it stands as it was loaded");
});

test("a task that was erased is forgotten", () => {
  const { feed, last } = follow();
  for (const [seq, id] of ["a", "b"].entries()) {
    last().accept(event(seq + 1, { task_id: id, task: task(id, "queued", seq + 1) }));
  }
  feed.forget("a");
  const ids = (views) => views.map(({ task_id }) => task_id);
  assert.deepEqual(ids(feed.taskStates.over([], { complete: true })), ["b"]);
  assert.deepEqual(ids(feed.events), ["b"]);
});

test("a task of which a shard tells that it was erased is forgotten before listeners are told", async () => {
  const { feed, sockets } = follow(2);
  const ids = (views) => views.map(({ task_id }) => task_id).sort();
  sockets[0].accept(
    event(1, { task_id: "试衣/1", task: task("试衣/1", "queued", 1) }),
    event(2, { task_id: "b", task: task("b", "queued", 2) }),
    event(3, { task_id: null, outcome: "quarantined", task: null }),
  );
  sockets[1].accept(event(1, { shard: 1, task_id: "c", task: task("c", "queued", 1) }));
  const wasNotified = new Promise((resolve) => {
    feed.subscribe((message) => message.type === "erased" && resolve());
  });
  sockets[0].tell(erased(4, "试衣/1"));
  await wasNotified;
  assert.deepEqual(ids(feed.taskStates.over([], { complete: true })), ["b", "c"]);
  assert.deepEqual(
    feed.events
      .map(({ task_id }) => task_id)
      .filter((id) => id !== null)
      .sort(),
    ["b", "c"],
  );
  // Of a listing that was read before.
  assert.deepEqual(await feed.erasedAmong(["b", "试衣/1", "试衣/1"]), ["试衣/1"]);
});

test("live updates are merged into a listing", () => {
  const { feed, last } = follow();
  const listed = (task_id, status, created) =>
    task(task_id, status, 1, { created_at: at(created) });
  const live = (task_id, status, created, more) =>
    task(task_id, status, 5, { created_at: at(created), ...more });
  last().accept({
    type: "snapshot",
    id: "id1",
    shard: 0,
    shards: 1,
    tasks: [live("known", "completed", 20), live("new", "queued", 30), live("old", "queued", 1)],
  });
  const listing = [listed("known", "queued", 20), listed("other", "queued", 10)];
  const rows = [
    {
      why: "as far back as the listing goes",
      options: {},
      shown: "new:queued known:completed other:queued",
    },
    {
      why: "all of it",
      options: { complete: true },
      shown: "new:queued known:completed other:queued old:queued",
    },
    {
      why: "what matches as it stands now",
      options: { matches: ({ status }) => status === "queued" },
      shown: "new:queued other:queued",
    },
  ];
  for (const { why, options, shown } of rows) {
    const tasks = feed.taskStates.over(listing, options);
    assert.equal(tasks.map(({ task_id, status }) => `${task_id}:${status}`).join(" "), shown, why);
  }
});

test("a listing that is newer than the live state wins", () => {
  const { feed, last } = follow();
  last().accept(event(3));
  const listed = task("a", "completed", 9, { duplicates: 4 });
  const [shown] = feed.taskStates.over([listed]);
  assert.equal(shown.status, "completed");
  assert.equal(shown.duplicates, 4);
});

test("it acknowledges when it is ready, and before 64 KiB have come", () => {
  const { last } = follow();
  last().accept(event(1), event(2));
  assert.deepEqual(last().acks, []);
  last().tell(ready("id2"));
  assert.deepEqual(last().acks, ["ack id2"]);
  // Of three bytes each.
  const failure = { message: "試".repeat(5000) };
  for (let seq = 3; seq <= 6; seq += 1) {
    last().tell(event(seq, { task: task("a", "failed", seq, { failure }) }));
  }
  assert.deepEqual(last().acks, ["ack id2", "ack id6"]);
  const hint = {
    type: "delivery",
    shard: 0,
    delivery: "dlv_0_1",
    task_id: "a".repeat(256),
    state: "dead",
  };
  for (let nth = 0; nth < 100; nth += 1) last().tell(hint);
  assert.equal(last().acks.at(-1), "ack id6");
  assert.equal(last().acks.length, 3, "hints are counted too");
});

test("invalid messages, and messages without an id or of an unknown type, are ignored", () => {
  const { feed, last, messages } = follow();
  last().accept("pong", "null", "{", "[]", {
    type: "delivery",
    shard: 0,
    delivery: "dlv_0_1",
    state: "dead",
  });
  last().tell({ type: "weather", id: "id1" }, ready("id1"));
  assert.deepEqual(
    messages.map(({ type }) => type),
    ["delivery", "weather", "ready"],
  );
  assert.equal(feed.state.phase, "live");
});

test("a gap is reported, and the earlier state of the shard is dropped", () => {
  const { feed, sockets, messages } = follow(2);
  sockets[0].accept(event(9, { task: task("a", "completed", 9) }), ready("id9"));
  sockets[1].accept(event(4, { shard: 1, task_id: "b", task: task("b", "queued", 4) }));
  sockets[0].tell(
    { type: "gap", id: "id2", shard: 0, from: 3, to: 9 },
    { type: "snapshot", id: "id2", shard: 0, shards: 2, tasks: [task("a", "queued", 2)] },
  );
  const { from, to } = messages.find(({ type }) => type === "gap");
  assert.deepEqual([from, to], [3, 9]);
  const tasks = feed.taskStates.over([], { complete: true });
  // Numbers may begin anew after a gap: 2 is later than 9.
  assert.deepEqual(tasks.map(({ task_id, status }) => `${task_id}:${status}`).sort(), [
    "a:queued",
    "b:queued",
  ]);
  sockets[0].drop();
  mock.timers.tick(375);
  assert.equal(sockets.at(-1).url, "/api/live/0?cursor=id2");
});

test("after a gap no event of its shard is taken for a repeat: the numbers may begin anew", () => {
  const { feed, sockets } = follow(2);
  sockets[0].accept(event(5, { task_id: "old" }));
  sockets[1].accept(event(5, { task_id: "other", shard: 1 }));
  const gap = { type: "gap", id: "id6", shard: 0, from: 6, to: 9 };
  sockets[0].tell(gap, event(5, { task_id: "new" }));
  assert.deepEqual(feed.events.map(({ task_id }) => task_id).sort(), ["new", "other"]);
});
