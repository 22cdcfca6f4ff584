// The messages of live updates, field by field: every received message is checked against this.

import assert from "node:assert/strict";

const FACTS = ["status", "conflict", "created_at", "updated_at", "duplicates", "seq"];
const ENDS = ["result_url", "failure"];
const EVENT = [
  ...["id", "shard", "seq", "task_id", "event", "status", "outcome"],
  ...["received_at", "key", "webhook_id", "task"],
];
const TICKET = ["task_id", "status", "result_url", "failure", "seq"];

/** Messages for administrators: type: [the required fields, the optional ones] */
const ADMIN = {
  snapshot: [
    ["id", "shard", "shards"],
    ["tasks", "task"],
  ],
  gap: [["id", "shard", "from", "to"]],
  event: [EVENT, ["body", "signature"]],
  replay: [
    [...EVENT, "of", "delivery"],
    ["body", "signature"],
  ],
  erased: [["id", "shard", "seq", "task_digest", "erased_at"]],
  ready: [["id", "shard"]],
  delivery: [["shard", "delivery", "task_id", "state"]],
};

/** Messages for the holder of a ticket. */
const SHOPPER = {
  snapshot: [["id", "task"]],
  update: [["id", "task"]],
};

/** Insists on exactly these fields. */
function fields(what, value, needed, allowed = []) {
  const missing = needed.filter((name) => !Object.hasOwn(value, name));
  const stray = Object.keys(value).filter((name) => ![...needed, ...allowed].includes(name));
  assert.deepEqual({ missing, stray }, { missing: [], stray: [] }, what);
}

const isTime = (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text);

/** Holds the details of an event, or of its replay, to the protocol. */
function checkEvent({ type, seq, received_at, key, webhook_id, task, outcome, ...more }) {
  assert.ok(Number.isInteger(seq) && seq > 0, `${type}: seq`);
  assert.ok(isTime(received_at), `${type}: received_at`);
  assert.match(key, /^[0-9a-f]{8}$/);
  assert.match(webhook_id, /^evt_[0-9a-f]{32}$/);
  assert.equal("body" in more, "signature" in more, "a body comes with its signature");
  if (outcome === "quarantined") {
    assert.deepEqual([more.task_id, more.event, more.status, task], [null, null, null, null]);
  } else if (task !== null) {
    fields(`${type}: task`, task, FACTS, ["task_id", ...ENDS]);
  }
}

/** Checks a message for administrators against the protocol. */
export function checkAdmin(message) {
  const { type, ...rest } = message;
  assert.ok(Object.hasOwn(ADMIN, type), `no such message: ${type}`);
  fields(type, rest, ...ADMIN[type]);
  assert.ok(Number.isInteger(rest.shard), `${type}: shard`);
  if (type !== "delivery") assert.ok(typeof rest.id === "string" && rest.id, `${type}: id`);
  if (type === "event" || type === "replay") checkEvent(message);
  if (type === "erased") {
    assert.match(rest.task_digest, /^[0-9a-f]{64}$/);
    assert.ok(isTime(rest.erased_at), "erased: erased_at");
  }
  if (type === "gap") assert.ok(rest.from <= rest.to, `from ${rest.from} to ${rest.to}`);
  if (type !== "snapshot") return;
  assert.equal("tasks" in rest, !("task" in rest), "a snapshot is of tasks or of one");
  for (const task of rest.tasks ?? []) fields("snapshot: tasks", task, ["task_id", ...FACTS]);
  const one = ["task_id", "events", ...FACTS];
  if (rest.task) fields("snapshot: task", rest.task, one, ["truncated", ...ENDS]);
}

/** Checks a message for a shopper's page against the protocol: five fields of its task, and no others. */
export function checkShopper(message) {
  const { type, ...rest } = message;
  assert.ok(Object.hasOwn(SHOPPER, type), `no such message: ${type}`);
  fields(type, rest, ...SHOPPER[type]);
  fields(`${type}: task`, rest.task, TICKET);
  if (rest.task.failure) fields(`${type}: failure`, rest.task.failure, ["message"]);
}
