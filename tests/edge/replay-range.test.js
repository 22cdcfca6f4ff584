// Ranges that are delivered once more: what they hold, how far they have come, and that they come to an end.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Backend } from "./support/backend.js";
import { acknowledged, delivery, named } from "./support/deliveries.js";
import { Gateway } from "./support/gateway.js";
import { done, finished, progress, replay } from "./support/ranges.js";

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});
afterEach(async () => {
  const { endpoints } = (await gateway.api("/api/endpoints")).body;
  for (const { id } of endpoints) await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  backend.received.length = 0;
});

test("a range over all events: delivered ones, and those from before the endpoint existed", async () => {
  backend.answer = "ok";
  const early = ["a", "b", "c"].map((name) => named("ranged", `task_${name}`));
  await acknowledged(gateway, ...early);
  const endpoint = await gateway.register(backend.url, { events: ["ranged"] });
  const late = ["d", "e"].map((name) => named("ranged", `task_${name}`));
  await acknowledged(gateway, ...late);
  for (const task_id of ["task_d", "task_e"]) await delivery(gateway, { task_id });
  const ids = backend.received.map(({ headers }) => headers["webhook-id"]);

  const { body } = await replay(gateway, { endpoint: endpoint.id, which: "all" });
  assert.deepEqual(await done(gateway, body.replay_id), finished(5));
  const again = backend.received.slice(2);
  assert.deepEqual(again.map((each) => String(each.body)).sort(), [...early, ...late].sort());
  const known = again.map(({ headers }) => headers["webhook-id"]);
  assert.ok(
    ids.every((id) => known.includes(id)),
    "a replay goes by the id of its event",
  );
});

test("a range that ends before its events, and an invalid one", async () => {
  const endpoint = await gateway.register(backend.url, { events: ["ranged"] });
  const from = { from: "2020-01-01T00:00:00Z", until: "2020-02-01T00:00:00Z" };
  const empty = await replay(gateway, { endpoint: endpoint.id, which: "all", ...from });
  assert.deepEqual(await done(gateway, empty.body.replay_id), finished(0));
  for (const [json, status] of [
    [{ which: "all" }, 400],
    [{ endpoint: "ep_999" }, 404],
    [{ endpoint: endpoint.id, which: "some" }, 400],
    [{ endpoint: endpoint.id, from: from.until, until: from.from }, 409],
    [{ endpoint: "ep_99999" }, 404],
    [{ endpoint: "ep_100000" }, 400],
    [{ endpoint: endpoint.id, from: "yesterday" }, 400],
  ]) {
    assert.equal((await replay(gateway, json)).status, status, JSON.stringify(json));
  }
  assert.equal((await gateway.api("/api/replays/rpl_0000000000000000")).status, 404);
  assert.equal(
    (await gateway.api("/api/deliveries/dlv_0_1/replay", { method: "POST" })).status,
    404,
  );
});

/** [how a delivery of a range that is still pending is asked for once more] */
const TAKEN_OVER = [
  ["alone", (_, { id }) => gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" })],
  ["by another range", (endpoint) => replay(gateway, { endpoint: endpoint.id, which: "all" })],
];
for (const [how, ask] of TAKEN_OVER) {
  test(`a range ends, though one of its deliveries was replayed ${how}`, async () => {
    const name = `taken_${how.replaceAll(" ", "_")}`;
    const endpoint = await gateway.register(backend.url, { events: [name] });
    backend.answer = "ok";
    await acknowledged(gateway, named(name));
    await delivery(gateway, { task_id: `task_${name}` });
    backend.answer = "fail";
    const { body } = await replay(gateway, { endpoint: endpoint.id, which: "all" });
    const failed = await delivery(
      gateway,
      { task_id: `task_${name}` },
      ({ attempts }) => attempts.length > 1,
    );
    assert.equal((await progress(gateway, body.replay_id)).done, false);
    backend.answer = "ok";
    await ask(endpoint, failed);
    await delivery(gateway, { task_id: `task_${name}` });
    const { pending, done } = await progress(gateway, body.replay_id);
    assert.deepEqual({ pending, done }, { pending: 0, done: true });
  });
}
