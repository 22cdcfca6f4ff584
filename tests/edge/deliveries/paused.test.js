// A paused endpoint on the real runtime: its alarm rests while deliveries wait, and resuming wakes it. What a receiver's
// header ends. The rules are tested on the engine.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, attempted, deliveries, delivery } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";

let gateway;
let backend;
let endpoint;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "2" } });
  backend = await Backend.start();
  endpoint = await gateway.register(backend.url, { order: "all" });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const path = () => `/api/endpoints/${endpoint.id}`;

async function pause(paused) {
  const { status, body } = await gateway.api(path(), { method: "PATCH", json: { paused } });
  assert.deepEqual([status, body.paused, body.enabled], [200, paused, true]);
}

test("events wait over a restart, and go out in order once it is resumed", async () => {
  await pause(true);
  const statuses = ["queued", "processing", "completed"];
  for (const status of statuses) await acknowledged(gateway, event("task_waits", status));
  await gateway.halt();
  await gateway.restart();
  const waiting = await deliveries(gateway, { task_id: "task_waits" });
  assert.deepEqual(
    waiting.map(({ state, attempts }) => [state, attempts.length]),
    statuses.map(() => ["pending", 0]),
  );
  assert.deepEqual(backend.received, []);
  await pause(false);
  await until(async () => {
    const now = await deliveries(gateway, { task_id: "task_waits" });
    return now.every(({ state }) => state === "delivered");
  });
  assert.deepEqual(
    backend.bodies.map((body) => JSON.parse(body).status),
    statuses,
  );
});

test("a test event is refused while it is paused", async () => {
  await pause(true);
  const { status, body } = await gateway.api(`${path()}/test`, { method: "POST" });
  assert.deepEqual([status, body.message], [409, "this endpoint is paused: resume it first"]);
  await pause(false);
});

/** [the name, the status, the header, how the delivery is then] */
const ANSWERS = [
  ["refused", 422, "abort-message", ["dead", "aborted_by_receiver"]],
  ["in_capitals", 500, "Abort-Message", ["dead", "aborted_by_receiver"]],
  ["unauthorized", 401, "abort-message", ["dead", "aborted_by_receiver"]],
  ["another_value", 422, "abort", ["pending", undefined]],
  ["a_success", 200, "abort-message", ["delivered", undefined]],
];

for (const [name, status, header, expected] of ANSWERS) {
  test(`${status} with webhook-delivery: ${header}: ${expected[0]}`, async () => {
    backend.answer = ({ response }) =>
      response.writeHead(status, { "webhook-delivery": header }).end();
    await acknowledged(gateway, event(`task_${name}`, "completed"));
    const { state, reason, attempts } = await delivery(
      gateway,
      { task_id: `task_${name}` },
      attempted,
    );
    assert.deepEqual([state, reason], expected);
    assert.deepEqual([attempts.length, attempts[0].status], [1, status]);
  });
}
