// What the headers of a delivery say: which event it is of, which delivery, which attempt, and what the event meant.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { RECEIVERS } from "../support/backends/receivers.js";
import { event, Gateway, until } from "../support/gateway.js";

let gateway;
let backend;
let other;
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start();
  other = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
  await other.stop();
});

test("attempts are counted, a replay is a delivery of its own, and all of them are of one event", async () => {
  const { id: endpoint, secret } = await gateway.register(backend.url);
  await gateway.register(other.url);
  backend.answer = "fail";
  assert.equal((await gateway.post(event("counted", "completed"))).status, 200);
  const shown = async () => {
    const { body } = await gateway.api(`/api/deliveries?task_id=counted&endpoint=${endpoint}`);
    return body.deliveries[0];
  };
  const { id } = await until(async () => (await shown()).attempts.length === 1 && shown());
  backend.answer = "ok";
  // One that is pending is due at once when it is replayed; one that has ended begins anew.
  for (const replays of [0, 1, 2]) {
    const { status } = await gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" });
    assert.equal(status, 202);
    await until(async () => {
      const now = await shown();
      return now.state === "delivered" && now.replay_count === replays;
    });
  }
  await until(() => other.received.length === 1);

  const sent = [...backend.received, ...other.received];
  const values = (name) => sent.map(({ headers }) => headers[name]);
  assert.deepEqual(values("x-vtryon-attempt"), ["1", "2", "1", "1", "1"]);
  const [eventId] = values("webhook-id");
  assert.match(eventId, /^evt_[0-9a-f]{32}$/);
  assert.deepEqual(values("webhook-id"), Array(5).fill(eventId));
  const deliveries = values("x-vtryon-delivery");
  assert.deepEqual(deliveries.slice(0, 4), [id, id, `${id}.1`, `${id}.2`]);
  assert.equal(deliveries.indexOf(deliveries[4]), 4, "to another endpoint it is another delivery");
  for (const { name, accepts } of RECEIVERS) {
    assert.deepEqual(await accepts(secret, sent), [true, true, true, true, false], name);
  }
});

const OUTCOMES = [
  { outcome: "applied", body: event("known", "completed") },
  { outcome: "unknown", body: event("strange", "packed") },
  { outcome: "unknown", body: JSON.stringify({ event: "generation.rated", task_id: "other" }) },
  { outcome: "quarantined", body: '{"event":"generation.status_changed","task_id":17}' },
];

test("a delivery has the event's outcome for its task", async () => {
  await gateway.register(`${backend.url}/all`, { include: ["unknown", "quarantined"] });
  for (const { outcome, body } of OUTCOMES) {
    assert.equal((await gateway.post(body)).status, 200);
    const sent = () =>
      backend.received.find((each) => each.path.endsWith("/all") && `${each.body}` === body);
    assert.equal((await until(sent)).headers["x-vtryon-outcome"], outcome, body);
  }
});
