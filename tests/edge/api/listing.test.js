// Listings over all shards: complete, without repeats, the latest first, while new tasks arrive.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deliveries } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";

const COUNT = 60;
const STATUSES = ["queued", "processing", "completed", "failed"];

let gateway;
before(async () => {
  gateway = await Gateway.start();
  for (let n = 0; n < COUNT; n++) {
    assert.equal((await gateway.post(event(`task_${n}`, STATUSES[n % 4]))).status, 200);
  }
});
after(() => gateway.stop());

async function pages(query, between = async () => {}) {
  const seen = [];
  for (let cursor = null, first = true; first || cursor !== null; first = false) {
    const { status, body } = await gateway.api(
      `/api/tasks?${query}${first ? "" : `&cursor=${cursor}`}`,
    );
    assert.equal(status, 200);
    seen.push(body.tasks);
    cursor = body.cursor;
    await between();
  }
  return seen;
}

test("all of them, the latest first", async () => {
  const listed = (await pages("limit=100")).flat();
  assert.equal(listed.length, COUNT);
  const created = listed.map((task) => task.created_at);
  assert.deepEqual(created, created.toSorted().reverse());
});

test("pages are complete and without repeats", async () => {
  const all = await pages("limit=7");
  assert.ok(all.every((page) => page.length <= 7));
  const ids = all.flat().map((task) => task.task_id);
  assert.deepEqual(ids.toSorted(), Array.from({ length: COUNT }, (_, n) => `task_${n}`).sort());
});

test("tasks that arrive meanwhile move nothing", async () => {
  let n = COUNT;
  const listed = await pages("limit=9", () => gateway.post(event(`task_${n++}`, "queued")));
  const ids = listed.flat().map((task) => task.task_id);
  assert.equal(new Set(ids).size, ids.length);
  for (let n = 0; n < COUNT; n++) assert.ok(ids.includes(`task_${n}`), `task_${n}`);
});

test("the deliveries of one task in pages", async () => {
  const task_id = "delivered";
  const endpoints = [];
  for (const name of ["a", "b"]) {
    const { id } = await gateway.register(`http://127.0.0.1:9/${name}`, { order: "all" });
    endpoints.push(id);
  }
  for (const status of ["queued", "processing", "completed"]) {
    assert.equal((await gateway.post(event(task_id, status))).status, 200);
  }
  const listed = await deliveries(gateway, { task_id, limit: "4" });
  assert.deepEqual(
    listed.map(({ status, endpoint }) => [status, endpoint]),
    ["completed", "processing", "queued"].flatMap((status) =>
      endpoints.toReversed().map((endpoint) => [status, endpoint]),
    ),
  );
  for (const id of endpoints) await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
});
