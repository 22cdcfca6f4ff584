// What the overview makes of the metrics.

import assert from "node:assert/strict";
import { test } from "node:test";
import { longestPending, metrics } from "../../edge-worker/dashboard/src/stats.js";

const sample = (name, endpoint, value) =>
  `vtryon_webhooks_${name}{endpoint="${endpoint}"} ${value}\n`;
const endpoint = (id, { active = 1, pending = 0, age = 0 }) =>
  sample("endpoint_active", id, active) +
  sample("deliveries_pending", id, pending) +
  sample("delivery_oldest_pending_age_seconds", id, age);

test("a metric is the sum over its labels", () => {
  const text = `# TYPE vtryon_webhooks_deliveries_pending gauge\n${endpoint("ep_1", { pending: 2 })}${endpoint("ep_2", { pending: 3 })}`;
  assert.equal(metrics(text).deliveries_pending, 5);
});

test("the endpoint is found whose delivery has been pending for longest", () => {
  const paused = endpoint("ep_3", { active: 0, age: 900 });
  for (const [text, found] of [
    ["", undefined],
    [endpoint("ep_1", {}), undefined],
    [paused, undefined],
    [
      endpoint("ep_1", { age: 61.5 }) + endpoint("ep_2", { age: 120 }) + paused,
      { endpoint: "ep_2", seconds: 120 },
    ],
    // What was deleted is not active.
    [sample("delivery_oldest_pending_age_seconds", "deleted", 77), undefined],
  ]) {
    assert.deepEqual(longestPending(text), found);
  }
});
