// Where the objects lie is fixed by the first event or endpoint. Local runtimes have no jurisdictions: in the tests' build,
// objects within one have other names instead, so that they are others here too.

import assert from "node:assert/strict";
import { test } from "node:test";
import { event, Gateway } from "./support/gateway.js";

const HOOK = { json: { url: "https://shop.example/hook" } };

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
    await gateway.halt();
    await gateway.restart(changed);
    assert.deepEqual(await posted(gateway, "completed"), [503]);
    assert.match(gateway.log.join(""), new RegExp(why));
    for (const [path, init] of [
      ["/api/tasks", {}],
      ["/api/tasks/task_0", {}],
      ["/api/endpoints", HOOK],
    ]) {
      const { status, body } = await gateway.api(path, init);
      assert.deepEqual([status, body.error], [503, "unavailable"], path);
      assert.match(body.message, new RegExp(`${why}|shard 0 refuses`), path);
    }
    await gateway.halt();
    const before = Object.fromEntries(Object.keys(changed).map((variable) => [variable, ""]));
    await gateway.restart({ ...before, ...made });
    assert.equal((await gateway.api("/api/tasks/task_0")).body.status, "queued");
    assert.equal((await gateway.api("/api/endpoints", HOOK)).status, 201);
  });
}

test("an endpoint fixes it as well, and its directory refuses another one", async (t) => {
  const gateway = await started(t, { LOCATION_HINT: "weur" });
  assert.equal((await gateway.api("/api/endpoints", HOOK)).status, 201);
  await gateway.halt();
  await gateway.restart({ LOCATION_HINT: "" });
  const { status, body } = await gateway.api("/api/endpoints");
  assert.equal(status, 503);
  assert.match(body.message, /LOCATION_HINT is not set, but this deployment was made with weur/);
});

test("a local runtime takes a location hint, and answers 503 to a jurisdiction, which it lacks", async (t) => {
  const hinted = await started(t, { build: "build", LOCATION_HINT: "weur" });
  assert.deepEqual(await posted(hinted, "queued"), [200]);
  const gateway = await started(t, { build: "build", JURISDICTION: "eu" });
  assert.deepEqual(await posted(gateway, "queued"), [503]);
});
