// A task whose end never came is the one thing that no signature shows: it is listed by its age.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged, ahead } from "./support/deliveries.js";
import { event, Gateway } from "./support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: ahead(0) });
  const posted = ["queued", "processing", "completed", "failed"];
  await acknowledged(gateway, ...posted.map((status) => event(`task_${status}`, status)));
  await acknowledged(gateway, event("task_moves", "queued"));
  await gateway.halt();
  await gateway.restart(ahead(1));
  await acknowledged(gateway, event("task_moves", "processing"));
  await acknowledged(gateway, event("task_late", "queued"));
});
after(() => gateway.stop());

/** [the query, the tasks listed] an hour after the latest events of the first tasks */
const LISTED = [
  ["stalled=30m", ["task_processing", "task_queued"]],
  ["stalled=1800s", ["task_processing", "task_queued"]],
  ["stalled=30m&status=queued", ["task_queued"]],
  ["stalled=2h", []],
  ["stalled=1d", []],
  ["stalled=999999999d", []],
  ["stalled=30m&status=completed", []],
];
for (const [query, expected] of LISTED) {
  test(`?${query}`, async () => {
    const { status, body } = await gateway.api(`/api/tasks?${query}`);
    assert.equal(status, 200);
    assert.deepEqual(body.tasks.map(({ task_id }) => task_id).sort(), expected);
  });
}

for (const query of ["stalled=", "stalled=soon", "stalled=-1m", "stalled=1000000000s"]) {
  test(`refused: ?${query}`, async () => {
    const { status, body } = await gateway.api(`/api/tasks?${query}`);
    assert.deepEqual([status, body.error], [400, "invalid_request"]);
    assert.match(body.message, /`stalled`/);
  });
}
