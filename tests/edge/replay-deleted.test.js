// A range whose endpoint goes in the middle of it ends, and leaves the gateway at rest.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "./support/backend.js";
import { acknowledged, named } from "./support/deliveries.js";
import { Gateway, until } from "./support/gateway.js";

/** More than a shard marks at a time. */
const EVENTS = 520;
const AT_ONCE = 20;

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1" } });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

test("a range to an endpoint that is deleted meanwhile", async () => {
  for (let n = 0; n < EVENTS; n += AT_ONCE) {
    const bodies = Array.from({ length: AT_ONCE }, (_, m) => named("many", `task_${n + m}`));
    await acknowledged(gateway, ...bodies);
  }
  // The first attempt does not end, and so the run that marked the first page does not either.
  backend.answer = "hang";
  const { id } = await gateway.register(backend.url, { events: ["many"] });
  const { body } = await gateway.api("/api/replay", { json: { endpoint: id, which: "all" } });
  await until(() => backend.received.length > 0);
  await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  const shown = await until(async () => {
    const { body: now } = await gateway.api(`/api/replays/${body.replay_id}`);
    return now.done && now;
  });
  assert.deepEqual([shown.matched, shown.delivered, shown.pending], [EVENTS, 0, 0]);
});
