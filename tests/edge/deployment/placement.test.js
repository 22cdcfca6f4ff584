// Where the objects lie is fixed by the first event, endpoint or token. Local runtimes have no jurisdictions: in the tests' build,
// objects within one have other names instead, so that they are others here too.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bearer } from "../support/api/caller.js";
import { event, Gateway } from "../support/gateway.js";
import { metered, since } from "../support/metering.js";

const HOOK = { json: { url: "https://shop.example/hook" } };
const TOKEN = { json: { name: "ci", scope: "read" } };

/** Requests of the API: those to shards, then those to the directory. */
const REQUESTS = [
  ["/api/tasks"],
  ["/api/tasks/task_0"],
  ["/api/tasks/task_0", { method: "DELETE" }],
  ["/api/metrics"],
  ["/api/endpoints"],
  ["/api/endpoints", HOOK],
  ["/api/alerts"],
  ["/api/tokens"],
  ["/api/tokens", TOKEN],
  ["/api/tokens/tok_0101010101010101", { method: "DELETE" }],
  ["/api/audit"],
  ["/api/rejections"],
  ["/api/secrets"],
  ["/api/replays/none"],
];

/** Checks that every request of the API is refused, with a message that says why. */
async function assertRefused(gateway, why) {
  for (const [path, init = {}] of REQUESTS) {
    const { status, body } = await gateway.api(path, init);
    assert.deepEqual([status, body.error], [503, "unavailable"], path);
    assert.equal(body.message, why, path);
  }
}

/** Changes variables of a deployment; returns those that take them back. */
async function change(gateway, made, changed) {
  await gateway.halt();
  await gateway.restart(changed);
  const unset = Object.fromEntries(Object.keys(changed).map((variable) => [variable, ""]));
  return { ...unset, ...made };
}

async function started(t, { build = "build-faults", ...bindings }) {
  const gateway = await Gateway.start({ build, bindings: { SHARDS: "2", ...bindings } });
  t.after(() => gateway.stop());
  return gateway;
}

/** Posts so many events that every shard gets some; returns the statuses of the answers, each once. */
async function posted(gateway, status) {
  const tasks = Array.from({ length: 8 }, (_, nth) => `task_${nth}`);
  const answers = await Promise.all(tasks.map((id) => gateway.post(event(id, status))));
  return [...new Set(answers.map((answer) => answer.status))];
}

/** name: [the variables that a deployment is made with, those that it is changed to, why that is refused] */
const CHANGES = {
  "to a jurisdiction": [
    {},
    { JURISDICTION: "eu" },
    "JURISDICTION is eu, but this deployment was made with none",
  ],
  "to another jurisdiction": [
    { JURISDICTION: "eu" },
    { JURISDICTION: "us" },
    "JURISDICTION is us, but this deployment was made with eu",
  ],
  "to none": [
    { JURISDICTION: "eu" },
    { JURISDICTION: "" },
    "JURISDICTION is not set, but this deployment was made with eu",
  ],
  "to another location hint": [
    { JURISDICTION: "eu", LOCATION_HINT: "weur" },
    { LOCATION_HINT: "eeur" },
    "LOCATION_HINT is eeur, but this deployment was made with weur",
  ],
};

for (const [name, [made, changed, why]] of Object.entries(CHANGES)) {
  test(`changed ${name}: it is refused, and nothing is stored`, async (t) => {
    const gateway = await started(t, made);
    // To look for tasks fixes nothing, and finds nothing.
    assert.equal((await gateway.api("/api/tasks")).status, 200);
    assert.deepEqual(await posted(gateway, "queued"), [200]);
    const before = await change(gateway, made, changed);
    assert.deepEqual(await posted(gateway, "completed"), [503]);
    await gateway.logged(why);
    await assertRefused(gateway, why);
    await gateway.halt();
    await gateway.restart(before);
    assert.equal((await gateway.api("/api/tasks/task_0")).body.status, "queued");
    assert.equal((await gateway.api("/api/endpoints", HOOK)).status, 201);
  });
}

/** name: what fixes the placement beside an event: [path, request] */
const FIXED_BY = {
  "an endpoint": ["/api/endpoints", HOOK],
  "an alert destination": ["/api/alerts", HOOK],
  "a token": ["/api/tokens", TOKEN],
};

for (const [name, [path, init]] of Object.entries(FIXED_BY)) {
  for (const made of [{ JURISDICTION: "eu" }, { LOCATION_HINT: "weur" }]) {
    const [[variable, value]] = Object.entries(made);
    test(`${name} fixes ${variable} as well`, async (t) => {
      const gateway = await started(t, made);
      // What is refused fixes nothing, nor does a query.
      assert.equal((await gateway.api(path, { json: {} })).status, 400);
      assert.equal((await gateway.api(path)).status, 200);
      await gateway.halt();
      await gateway.restart({ [variable]: "" });
      assert.equal((await gateway.api(path)).status, 200);
      await gateway.halt();
      await gateway.restart(made);
      const { status, body } = await gateway.api(path, init);
      assert.equal(status, 201);
      const before = await change(gateway, made, { [variable]: "" });
      const why = `${variable} is not set, but this deployment was made with ${value}`;
      await assertRefused(gateway, why);
      if (body.token !== undefined) {
        const { status, body: refused } = await gateway.api("/api/tasks", {
          headers: bearer(body.token),
        });
        assert.deepEqual([status, refused.message], [503, why]);
      }
      await gateway.halt();
      await gateway.restart(before);
      assert.equal((await gateway.api(path)).status, 200);
    });
  }
}

test("once the placement is recorded, the directory asks no shard", async (t) => {
  const gateway = await started(t, { JURISDICTION: "eu" });
  const asked = async () => {
    const before = await metered(gateway);
    assert.equal((await gateway.api("/api/tokens")).status, 200);
    return since(before, await metered(gateway)).shard_request;
  };
  assert.ok((await asked()) > 0, "nothing is recorded");
  assert.deepEqual(await posted(gateway, "queued"), [200]);
  await asked();
  assert.equal(await asked(), 0);
});

test("a local runtime takes a location hint, and answers 503 to a jurisdiction, which it lacks", async (t) => {
  const hinted = await started(t, { build: "build", LOCATION_HINT: "weur" });
  assert.deepEqual(await posted(hinted, "queued"), [200]);
  const gateway = await started(t, { build: "build", JURISDICTION: "eu" });
  assert.deepEqual(await posted(gateway, "queued"), [503]);
});
