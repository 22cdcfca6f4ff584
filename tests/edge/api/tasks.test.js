// Signed events over HTTP: bodies of any bytes, ids in URLs, searches. What is made of events is tested with the engine.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { bytes } from "../../vectors/generate/bytes.js";
import { event, Gateway } from "../support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { MAX_BODY_BYTES: "1048576" } });
});
after(() => gateway.stop());

const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));

async function postAll(...bodies) {
  for (const body of bodies) {
    const answer = await gateway.post(body);
    assert.deepEqual([answer.status, await answer.text()], [200, '{"received":true}']);
  }
}

test("every readable body is stored as an event, every other one is quarantined", async () => {
  const quarantined = new Map();
  for (const vector of vectors("event")) {
    await postAll(bytes(vector.body));
    if (vector.expect.code) {
      quarantined.set(vector.name, [vector.expect.code, bytes(vector.body).length]);
      continue;
    }
    const { status, body } = await gateway.api(
      `/api/tasks/${encodeURIComponent(vector.expect.task_id)}`,
    );
    assert.equal(status, 200, vector.name);
    assert.ok(
      body.events.some(
        (entry) => entry.event === vector.expect.event && entry.status === vector.expect.status,
      ),
      vector.name,
    );
  }
  const listed = [];
  for (let cursor = ""; cursor !== null; ) {
    const { body } = await gateway.api(`/api/quarantine?limit=7${cursor && `&cursor=${cursor}`}`);
    listed.push(...body.quarantine.map(({ code, bytes }) => `${code} ${bytes}`));
    cursor = body.cursor;
  }
  const expected = [...quarantined.values()].map((entry) => entry.join(" "));
  assert.deepEqual(listed.sort(), expected.sort());
});

test("tasks are found by the beginning of their ids, in their order over all shards", async () => {
  const ids = ["find_3", "find_1", "find_20", "find_2", "found"];
  await postAll(...ids.map((id) => event(id, "queued")));
  const listed = [];
  for (let cursor = ""; cursor !== null; ) {
    const at = `/api/tasks?prefix=find_&limit=3${cursor && `&cursor=${cursor}`}`;
    const { body } = await gateway.api(at);
    listed.push(...body.tasks.map(({ task_id }) => task_id));
    cursor = body.cursor;
  }
  assert.deepEqual(listed, ["find_1", "find_2", "find_20", "find_3"]);
});

test("any task id that is accepted can be read back", async () => {
  for (const id of [
    "a/b",
    "...",
    ".a",
    "a b",
    "100%",
    "tâche-🧥",
    "'; DROP TABLE tasks; --",
    "?x=1#y",
    "t".repeat(256),
  ]) {
    await postAll(event(id, "completed"));
    const path = encodeURIComponent(id);
    const { status, body } = await gateway.api(`/api/tasks/${path}`);
    assert.deepEqual([status, body.task_id], [200, id]);
    assert.equal((await gateway.api(`/api/tasks/${path}/result`)).status, 200);
  }
});
