// The log as the runtime prints it: each decision is a line of JSON, with the fields that the guide names.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { read } from "../../pages.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery, faster, named } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";

const codes = (cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name);

/** The decisions that the guide names: the levels and the fields of each. */
const SHOWN = Object.fromEntries(
  [
    ...read("docs/guides/monitoring.md").matchAll(
      /^\| `(\w+)` \| (`(?:debug|info|warn)`.*?) \| (.*?) \|/gm,
    ),
  ].map(([, decision, levels, fields]) => [
    decision,
    { levels: codes(levels), fields: codes(fields) },
  ]),
);

/** Fields that only some lines of a decision have. */
const EITHER = ["status", "error"];

let gateway;
const backends = {};
before(async () => {
  gateway = await Gateway.start({
    build: "build-faults",
    bindings: { LOG_LEVEL: "debug", SHARDS: "1", RETENTION_HOURS: "8760", ...faster(5) },
  });
  for (const [name, answer] of Object.entries({
    ok: "ok",
    down: "fail",
    gone: "gone",
    closed: "close",
    ends: ({ response }) => response.writeHead(400, { "webhook-delivery": "abort-message" }).end(),
  })) {
    backends[name] = await Backend.start(answer);
    const { id } = await gateway.register(backends[name].url, {
      events: [name],
      include: ["unknown"],
      order: "all",
    });
    backends[name].endpoint = id;
  }
});
after(async () => {
  await gateway.stop();
  await Promise.all(Object.values(backends).map((backend) => backend.stop()));
});

async function sendTest({ endpoint }) {
  const { status } = await gateway.api(`/api/endpoints/${endpoint}/test`, { method: "POST" });
  assert.equal(status, 200);
}

/** The lines of JSON that have been printed. */
function lines() {
  const printed = gateway.log.join("").split("\n");
  return printed.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

const logged = (decision) => lines().filter((line) => line.decision === decision);

test("every decision is logged with the fields that the guide names", async () => {
  await acknowledged(
    gateway,
    event("task_1", "queued"),
    named("ok"),
    named("closed"),
    named("ends"),
  );
  await acknowledged(gateway, event("task_1", "queued"), "no json");
  await gateway.post(event("task_1", "queued"), { signature: "0".repeat(64) });
  await fetch(`${gateway.url}/api/tasks`, { headers: { authorization: "Bearer wrong" } });
  // Two in a row disable it.
  await acknowledged(gateway, named("gone", "task_gone_1"), named("gone", "task_gone_2"));
  // A test is attempted at once, whatever has failed before it.
  for (let n = 0; n < 4; n++) await sendTest(backends.down);
  backends.down.answer = "ok";
  await sendTest(backends.down);
  const isLogged = (decision) => logged(decision).length > 0;
  await until(() => Object.keys(SHOWN).every(isLogged));
  for (const { decision, level, ...fields } of lines()) {
    const shown = SHOWN[decision];
    assert.ok(shown, `${decision} is not in the guide`);
    assert.ok(shown.levels.includes(level), `${decision}: ${level}`);
    const names = Object.keys(fields);
    const others = names.filter((name) => !shown.fields.includes(name));
    const missing = shown.fields.filter((name) => !names.includes(name) && !EITHER.includes(name));
    assert.deepEqual([others, missing], [[], []], decision);
  }
  const outcomes = new Set(logged("attempt_made").map(({ outcome }) => outcome));
  assert.deepEqual([...outcomes].sort(), ["delivered", "refused", "unanswered"]);
});

test("no line names a task, and at the level `info` none is of an event that is delivered", async () => {
  assert.ok(!JSON.stringify(lines()).includes("task_"));
  await gateway.halt();
  gateway.log.length = 0;
  await gateway.restart({ LOG_LEVEL: "info" });
  await acknowledged(gateway, named("ok", "task_quiet"));
  await until(() => backends.ok.bodies.some((body) => body.includes("task_quiet")));
  await acknowledged(gateway, "more that is no json");
  await until(() => logged("event_quarantined").length > 0);
  assert.deepEqual(logged("event_stored"), []);
  assert.deepEqual(
    logged("attempt_made").filter(({ outcome }) => outcome === "delivered"),
    [],
  );
});

test("a change is logged with the status of its answer, and nothing that has changed nothing", async () => {
  const earlier = logged("change_made").length;
  const { id } = await delivery(gateway, { task_id: "task_ok" });
  const { endpoint } = backends.ok;
  for (const [path, init, status] of [
    ["/api/tasks/task_unknown", { method: "DELETE" }, 404],
    ["/api/deliveries/dlv_0_65536000001/replay", { method: "POST" }, 404],
    [`/api/deliveries/${id}/replay`, { method: "POST" }, 202],
    ["/api/tickets", { json: { task_id: "task_ok" } }, 201],
    ["/api/replay", { json: { endpoint, which: "all", dry_run: true } }, 200],
    ["/api/replay", { json: { endpoint, which: "all" } }, 202],
    [`/api/endpoints/${endpoint}`, {}, 200],
  ]) {
    assert.equal((await gateway.api(path, init)).status, status, path);
  }
  await gateway.wholeLog();
  assert.deepEqual(
    logged("change_made")
      .slice(earlier)
      .map(({ operation, status }) => [operation, status]),
    [
      ["POST /api/deliveries/{delivery_id}/replay", 202],
      ["POST /api/replay", 202],
    ],
  );
});
