// A task's page as its own stream of messages changes it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withMessage } from "../../edge-worker/dashboard/src/live/merge.js";

const entry = (seq, status, outcome = "applied") => ({
  seq,
  event: "generation.status_changed",
  status,
  outcome,
  received_at: `2026-07-01T12:00:0${seq}.000Z`,
  key: "1b575edd",
});

const taskState = (status, seq, more = {}) => ({
  task_id: "a",
  status,
  conflict: false,
  created_at: "2026-07-01T12:00:00.000Z",
  updated_at: `2026-07-01T12:00:0${seq}.000Z`,
  seq,
  duplicates: 0,
  ...more,
});

const queued = { ...taskState("queued", 1), events: [entry(1, "queued")] };
const liveEvent = (seq, status, now, outcome) => ({
  type: "event",
  id: `id${seq}`,
  shard: 0,
  task_id: "a",
  webhook_id: "evt_1",
  ...entry(seq, status, outcome),
  task: { ...now, seq },
});

const CASES = [
  {
    name: "a snapshot takes the place of what is shown",
    task: queued,
    messages: [
      { type: "snapshot", task: { ...taskState("failed", 2), events: [entry(2, "failed")] } },
    ],
    status: "failed",
    seqs: [2],
  },
  {
    name: "a snapshot of an unknown task shows nothing",
    task: undefined,
    messages: [{ type: "snapshot", task: null }],
    status: undefined,
    seqs: undefined,
  },
  {
    name: "the first event begins the timeline",
    task: undefined,
    messages: [liveEvent(1, "queued", taskState("queued", 1))],
    status: "queued",
    seqs: [1],
  },
  {
    name: "an event goes on with it",
    task: queued,
    messages: [liveEvent(2, "completed", taskState("completed", 2))],
    status: "completed",
    seqs: [1, 2],
  },
  {
    name: "one that is shown already is not shown twice",
    task: queued,
    messages: [liveEvent(1, "queued", taskState("queued", 1))],
    status: "queued",
    seqs: [1],
  },
  {
    name: "events out of order are put in order, and the latest view stands",
    task: queued,
    messages: [
      liveEvent(3, "completed", taskState("completed", 3)),
      liveEvent(2, "processing", taskState("processing", 2)),
    ],
    status: "completed",
    seqs: [1, 2, 3],
  },
  {
    name: "a late event is shown and moves nothing",
    task: queued,
    messages: [
      liveEvent(2, "completed", taskState("completed", 2)),
      liveEvent(3, "processing", taskState("completed", 3), "late"),
    ],
    status: "completed",
    seqs: [1, 2, 3],
  },
  {
    name: "replays, hints and what is unknown change nothing",
    task: queued,
    messages: [
      {
        ...liveEvent(2, "queued", taskState("queued", 1)),
        type: "replay",
        of: 1,
        delivery: "dlv_0_1",
      },
      { type: "delivery", shard: 0, delivery: "dlv_0_1", task_id: "a", state: "dead" },
      { type: "weather" },
    ],
    status: "queued",
    seqs: [1],
  },
];

for (const { name, task, messages, status, seqs } of CASES) {
  test(name, () => {
    const shown = messages.reduce(withMessage, task);
    assert.equal(shown?.status, status);
    assert.deepEqual(
      shown?.events.map(({ seq }) => seq),
      seqs,
    );
  });
}

test("the count of duplicates never goes down", () => {
  const known = { ...queued, duplicates: 3 };
  const shown = withMessage(known, liveEvent(2, "completed", taskState("completed", 2)));
  assert.equal(shown.duplicates, 3);
});
