// The generated pages of the reference: their lines are run, and they name what the Worker reads.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { block, variables } from "../../pages.js";
import { event, Gateway, TOKEN } from "../support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

/** Runs a block of a page in a shell that knows the gateway, and returns the JSON that it prints. */
async function run(mark, more = {}) {
  const env = { ...process.env, URL: gateway.url, TOKEN, ...more };
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", block(mark)], {
    env,
  });
  return JSON.parse(stdout);
}

test("the lines to list tasks page by page work as they stand", async () => {
  for (const task of ["task_1", "task_2"]) await gateway.post(event(task, "queued"));
  const first = await run("api");
  const second = await run("api-next-page", { CURSOR: first.cursor });
  const listed = [...first.tasks, ...second.tasks].map(({ task_id }) => task_id);
  assert.deepEqual(listed.sort(), ["task_1", "task_2"]);
});

test("the page of the configuration names the variables that the Worker reads, and no other", async (t) => {
  const faulty = await Gateway.start({ build: "build-faults" });
  t.after(() => faulty.stop());
  const answer = await fetch(faulty.url, { headers: { "x-fault": "variables" } });
  assert.deepEqual(variables().sort(), (await answer.json()).sort());
});
