// What is made of signed events: states, timelines, results, the quarantine. The vectors are the table.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { bytes } from "../vectors/generate/bytes.js";
import { event, Gateway, until } from "./support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { MAX_BODY_BYTES: "1048576" } });
});
after(() => gateway.stop());

const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));

async function postAll(...bodies) {
  for (const body of bodies) {
    const answer = await gateway.post(body);
    assert.deepEqual([answer.status, await answer.text()], [200, '{"received":true}']);
  }
}

for (const [place, vector] of vectors("lifecycle").entries()) {
  test(`lifecycle: ${vector.name}`, async () => {
    const id = `lifecycle ${place}`;
    await postAll(...vector.statuses.map((status) => event(id, status)));
    const { body } = await gateway.api(`/api/tasks/${encodeURIComponent(id)}`);
    const storedOutcomes = vector.outcomes.filter(
      (outcome) => !["duplicate", "capped"].includes(outcome),
    );
    assert.deepEqual(
      body.events.map(({ outcome }) => outcome),
      storedOutcomes,
    );
    assert.equal(body.status, vector.status);
    assert.equal(body.duplicates, vector.outcomes.length - storedOutcomes.length);
    assert.equal(body.conflict, vector.outcomes.includes("conflict"));
    const result = await gateway.api(`/api/tasks/${encodeURIComponent(id)}/result`);
    assert.equal(result.status, vector.side_effect >= 0 ? 200 : 404);
  });
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

test("a result is published, and read from the shard until then", async () => {
  const result_url = "https://cdn.example/4k.png";
  await postAll(event("task_done", "completed", { data: { result_url } }));
  const { body } = await gateway.api("/api/tasks/task_done/result");
  assert.deepEqual(
    [body.task_id, body.status, body.result_url],
    ["task_done", "completed", result_url],
  );
  const kv = await gateway.kv();
  const published = await until(() => kv.get("result:task_done", "json"));
  assert.deepEqual(published, body);
  assert.deepEqual((await gateway.api("/api/tasks/task_done/result")).body, body);
});

test("a failure is a result too", async () => {
  await postAll(event("task_sad", "failed", { error: { message: "no person found" } }));
  const { body } = await gateway.api("/api/tasks/task_sad/result");
  assert.deepEqual([body.status, body.failure], ["failed", { message: "no person found" }]);
  assert.deepEqual((await gateway.api("/api/tasks/task_sad")).body.failure, {
    message: "no person found",
  });
});

test("the first result stays, whatever events follow", async () => {
  await postAll(
    event("task_two", "completed", { data: { result_url: "https://a" } }),
    event("task_two", "failed", { error: { message: "b" } }),
  );
  const { body } = await gateway.api("/api/tasks/task_two");
  assert.deepEqual(
    [body.status, body.result_url, body.failure, body.conflict],
    ["completed", "https://a", undefined, true],
  );
});

test("a repeat in other words is a duplicate", async () => {
  await postAll(
    event("task_words", "queued"),
    `{ "status": "queued", "task_id": "task_words", "event": "generation.status_changed", "x": 1 }`,
  );
  const { body } = await gateway.api("/api/tasks/task_words");
  assert.deepEqual([body.events.length, body.duplicates], [1, 1]);
});

test("events by other names are stored once per content", async () => {
  const other = (n) => JSON.stringify({ event: "generation.rated", task_id: "task_rated", n });
  await postAll(event("task_rated", "queued"), other(1), other(2), other(1));
  const { body } = await gateway.api("/api/tasks/task_rated");
  assert.deepEqual(
    body.events.map((entry) => [entry.event, entry.outcome]),
    [
      ["generation.status_changed", "applied"],
      ["generation.rated", "unknown"],
      ["generation.rated", "unknown"],
    ],
  );
  assert.deepEqual([body.status, body.duplicates], ["queued", 1]);
});

test("a timeline of any length is shown in part", async () => {
  const other = (n) => JSON.stringify({ event: "generation.rated", task_id: "task_long", n });
  await postAll(
    event("task_long", "completed"),
    ...Array.from({ length: 105 }, (_, n) => other(n)),
  );
  const { body } = await gateway.api("/api/tasks/task_long");
  assert.deepEqual([body.events.length, body.truncated, body.status], [100, true, "completed"]);
  assert.equal(body.events.at(-1).seq - body.events[0].seq, 99);
});

test("a listing leaves out what may be long", async () => {
  await postAll(
    event("task_url", "completed", { data: { result_url: `data:${"x".repeat(9000)}` } }),
  );
  const { body } = await gateway.api("/api/tasks?limit=1");
  assert.deepEqual([body.tasks[0].task_id, body.tasks[0].result_url], ["task_url", undefined]);
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

test("the same unreadable body is stored once", async () => {
  const before = (await gateway.api("/api/quarantine?limit=100")).body.quarantine.length;
  await postAll("once", "once", "once");
  const after = (await gateway.api("/api/quarantine?limit=100")).body.quarantine;
  assert.ok(after.length === Math.min(before + 1, 100));
  const [entry] = after.filter(({ head }) => head === "once");
  assert.deepEqual([entry.code, entry.bytes, entry.truncated], ["invalid_json", 4, false]);
});
