// GET /api/metrics on the real runtime: what it says of what has happened, in a form that Prometheus takes.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { promtool } from "../../docs/support/promtool.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, deliveries } from "../support/deliveries.js";
import { event, Gateway, TOKEN, until } from "../support/gateway.js";

let gateway;
let backend;
let down;
before(async () => {
  gateway = await Gateway.start();
  [backend, down] = await Promise.all([Backend.start(), Backend.start("fail")]);
});
after(async () => {
  await gateway.stop();
  await Promise.all([backend.stop(), down.stop()]);
});

async function text() {
  const headers = { authorization: `Bearer ${TOKEN}` };
  return (await fetch(`${gateway.url}/api/metrics`, { headers })).text();
}

/** The samples of a text, by name and labels as they are written. */
const samples = (written) =>
  Object.fromEntries(
    [...written.matchAll(/^vtryon_webhooks_(\S+) (\S+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  );

test("the metrics say what has happened", async () => {
  const first = await gateway.register(backend.url);
  const second = await gateway.register(down.url);
  await acknowledged(
    gateway,
    event("task_1", "completed"),
    event("task_2", "queued"),
    event("task_3", "processing"),
    "no json",
  );
  await acknowledged(gateway, event("task_1", "processing"), event("task_1", "completed"));
  await gateway.post(event("task_1", "completed"), { signature: "0".repeat(64) });
  const expected = {
    'events_total{name="generation.status_changed",outcome="applied"}': 3,
    'events_total{name="generation.status_changed",outcome="late"}': 1,
    'events_total{name="generation.status_changed",outcome="conflict"}': 0,
    'events_total{name="other",outcome="quarantined"}': 1,
    'requests_refused_total{code="signature_mismatch"}': 1,
    [`delivery_attempts_total{endpoint="${first.id}",outcome="delivered"}`]: 3,
    [`delivery_attempts_total{endpoint="${first.id}",outcome="refused"}`]: 0,
    [`delivery_attempts_total{endpoint="${second.id}",outcome="delivered"}`]: 0,
    [`delivery_attempt_duration_seconds_count{endpoint="${first.id}"}`]: 3,
    [`delivery_attempt_duration_seconds_bucket{endpoint="${first.id}",le="+Inf"}`]: 3,
    [`endpoint_active{endpoint="${first.id}"}`]: 1,
    [`deliveries_pending{endpoint="${first.id}"}`]: 0,
    [`deliveries_pending{endpoint="${second.id}"}`]: 3,
    [`deliveries_dead{endpoint="${second.id}"}`]: 0,
    'deliveries_pending{endpoint="deleted"}': 0,
    tasks_open: 2,
    quarantined: 1,
    broadcasts_queued: 0,
  };
  const told = await until(async () => {
    const told = samples(await text());
    return Object.entries(expected).every(([name, value]) => told[name] === value) && told;
  });
  assert.ok(told[`delivery_attempts_total{endpoint="${second.id}",outcome="refused"}`] >= 3);
  assert.ok(told[`delivery_oldest_pending_age_seconds{endpoint="${second.id}"}`] > 0);
  // Each shard has a database of its own; the first stores no less than the mean.
  assert.ok(told.storage_bytes > told.storage_largest_shard_bytes);
  assert.ok(told.storage_largest_shard_bytes >= told.storage_bytes / 4);
  const { body } = await gateway.api("/api");
  assert.equal(told[`build_info{version="${body.version}"}`], 1);
});

test("promtool takes them, and finds nothing against their names", {
  skip: promtool.skip,
}, async () => {
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: await text(),
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
});

test("no label holds a URL, and no metric a task", async () => {
  const written = await text();
  for (const hidden of [backend.url, new URL(backend.url).host, "task_1"]) {
    assert.ok(!written.includes(hidden), hidden);
  }
});

test("no counter falls when the runtime is killed", async () => {
  const counters = async () =>
    Object.entries(samples(await text())).filter(([name]) => /_total\{|_count\{/.test(name));
  await until(async () => (await deliveries(gateway, { state: "pending" })).length === 3);
  const before = await counters();
  await gateway.crash();
  const after = Object.fromEntries(await counters());
  for (const [name, value] of before) assert.ok(after[name] >= value, `${name}: ${after[name]}`);
});
