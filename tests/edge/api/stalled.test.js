// A task whose end never came is the one thing that no signature shows: it is listed by its age. Which
// tasks are listed is tested on the engine; here, which ages are read.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start();
  const posted = ["queued", "processing", "completed", "failed"];
  await acknowledged(gateway, ...posted.map((status) => event(`task_${status}`, status)));
});
after(() => gateway.stop());

/** [the query, the tasks listed] */
const LISTED = [
  ["stalled=0s", ["task_processing", "task_queued"]],
  ["stalled=0m&status=queued", ["task_queued"]],
  ["stalled=30m", []],
  ["stalled=1d", []],
  ["stalled=999999999d", []],
  ["stalled=0s&status=completed", []],
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
