// Under another master key no secret of an endpoint or an alert destination can be opened: that is said where one
// looks, nothing is lost, and with the former key all of it is delivered.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery } from "../support/deliveries.js";
import { event, Gateway, sign, until } from "../support/gateway.js";

const KEY = "0f".repeat(32);
const OTHER = "f0".repeat(32);

let gateway;
let backend;
let endpoint;
let receiver;
const destinations = {};
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start();
  endpoint = await gateway.register(backend.url, { headers: { "x-api-key": "a key" } });
  receiver = await Backend.start();
  for (const format of ["standard", "slack"]) {
    const json = { url: receiver.url, format };
    destinations[format] = (await gateway.api("/api/alerts", { json })).body.id;
  }
});
after(async () => {
  await gateway.stop();
  await backend.stop();
  await receiver.stop();
});

async function restart(key) {
  await gateway.halt();
  await gateway.restart({ GATEWAY_MASTER_KEY: key });
}

const shown = async () => (await gateway.api(`/api/endpoints/${endpoint.id}`)).body;
const replay = ({ id }) => gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" });

test("with another master key events are acknowledged, and the problem is reported", async () => {
  assert.equal((await shown()).problem, null);
  await restart(OTHER);
  await acknowledged(gateway, event("task_sealed", "completed"));
  assert.match((await shown()).problem, /GATEWAY_MASTER_KEY is not the key/);
  const pending = await delivery(gateway, { task_id: "task_sealed" }, ({ reason }) => reason);
  assert.deepEqual(
    [pending.state, pending.reason, pending.attempts],
    ["pending", "secret_unreadable", []],
    "it counts as no attempt",
  );
  await gateway.logged("GATEWAY_MASTER_KEY is not the key that sealed it");
  assert.ok(!(await gateway.wholeLog()).includes(OTHER));
  assert.deepEqual(backend.received, []);
});

test("with the former key it is delivered, signed as ever", async () => {
  await restart(KEY);
  assert.equal((await shown()).problem, null);
  await replay(await delivery(gateway, { task_id: "task_sealed" }, () => true));
  const { state, attempts } = await delivery(gateway, { task_id: "task_sealed" });
  assert.deepEqual([state, attempts.length], ["delivered", 1]);
  const [{ body, headers }] = backend.received;
  assert.equal(headers["x-api-key"], "a key");
  assert.equal(headers["x-vtryon-signature"], sign(body, endpoint.secret));
});

test("where the former key is lost, a rotation and its headers make the endpoint well", async () => {
  await restart(OTHER);
  const path = `/api/endpoints/${endpoint.id}`;
  const { body } = await gateway.api(`${path}/rotate`, { json: {} });
  assert.match(body.problem, /not the key that sealed this endpoint's headers: .* send `headers`/);
  await acknowledged(gateway, event("task_without_headers", "completed"));
  const { reason } = await delivery(
    gateway,
    { task_id: "task_without_headers" },
    ({ reason }) => reason,
  );
  assert.equal(reason, "secret_unreadable");
  const json = { headers: { "x-api-key": "another key" } };
  assert.equal((await gateway.api(path, { method: "PATCH", json })).body.problem, null);
  await acknowledged(gateway, event("task_rotated", "completed"));
  await delivery(gateway, { task_id: "task_rotated" });
  const sent = await until(() => backend.received[1]);
  assert.equal(sent.headers["x-vtryon-signature"], sign(sent.body, body.secret));
});

for (const format of ["standard", "slack"]) {
  test(`a destination of alerts in the format ${format} gets nothing until it is rotated`, async () => {
    const id = destinations[format];
    const path = `/api/alerts/${id}`;
    const listed = (await gateway.api("/api/alerts")).body.destinations;
    assert.match(listed.find((one) => one.id === id).problem, /GATEWAY_MASTER_KEY is not the key/);
    assert.equal((await gateway.api(`${path}/rotate`, { json: {} })).body.problem, null);
    const { body } = await gateway.api(`${path}/test`, { method: "POST" });
    assert.equal(body.state, "delivered");
  });
}
