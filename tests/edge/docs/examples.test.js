// The examples of the packages behind the gateway, as they stand: events that come in any order and more than
// once go through the gateway, and the examples show what the gateway shows.

import assert from "node:assert/strict";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, afterEach, before, test } from "node:test";
import { withExample } from "../../../node-binding/test/support/example-process.js";
import { launch } from "../../support/chromium.js";
import { withFastapiExample } from "../support/backends/fastapi-example.js";
import { event, Gateway, until } from "../support/gateway.js";

const RESULT = "https://cdn.example/4k.png";
const REASON = "the garment was not found";

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());
afterEach(async () => {
  const { body } = await gateway.api("/api/endpoints");
  for (const { id } of body.endpoints) {
    await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  }
});

/** Registers an endpoint for an example that is started with its secret, and only then has a URL. */
async function registered() {
  const { id, secret } = await gateway.register("http://127.0.0.1:1/", { order: "all" });
  const point = async (example) => {
    const json = { url: `${example.url}/webhooks/vtryon` };
    const { status } = await gateway.api(`/api/endpoints/${id}`, { method: "PATCH", json });
    assert.equal(status, 200);
  };
  return { id, environment: { VTRYON_WEBHOOK_SECRET: secret }, point };
}

const line = (task, status) =>
  event(task, status, {
    ...(status === "completed" && { data: { result_url: RESULT } }),
    ...(status === "failed" && { error: { message: REASON } }),
  });

/** Events of a task in the order in which they come, and what is passed on: whatever moves the task. */
const ORDERS = [
  {
    task: "in_order",
    statuses: ["queued", "processing", "completed"],
    passed: ["queued", "processing", "completed"],
  },
  { task: "backwards", statuses: ["completed", "processing", "queued"], passed: ["completed"] },
  {
    task: "repeated",
    statuses: ["processing", "processing", "completed", "queued", "processing", "completed"],
    passed: ["processing", "completed"],
  },
  { task: "in_vain", statuses: ["queued", "failed", "processing"], passed: ["queued", "failed"] },
  { task: "both_ways", statuses: ["completed", "failed"], passed: ["completed"] },
];

/** Sends the events of tasks of its own, and waits until all that is passed on has arrived; returns the tasks. */
async function run(endpoint) {
  const tasks = ORDERS.map(({ task, ...rest }) => ({ task: `${endpoint.id}_${task}`, ...rest }));
  for (const { task, statuses } of tasks) {
    for (const status of statuses) {
      assert.equal((await gateway.post(line(task, status))).status, 200);
    }
  }
  for (const { task, passed } of tasks) {
    await until(async () => {
      const query = `task_id=${task}&endpoint=${endpoint.id}&state=delivered`;
      const { body } = await gateway.api(`/api/deliveries?${query}`);
      return body.deliveries.length === passed.length;
    });
  }
  return tasks;
}

/** What the gateway knows of a task. */
async function known(task) {
  const { body } = await gateway.api(`/api/tasks/${task}`);
  const { status, result_url = null, failure = null } = body;
  return { status, result_url, failure: failure?.message ?? null };
}

/** The rows of the Express example's database. */
function rows({ folder }, sql) {
  const database = new DatabaseSync(path.join(folder, "tasks.db"), { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** Runs `work` with a page in a browser. */
async function withPage(url, work) {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(url);
    await work(page);
  } finally {
    await browser.close();
  }
}

test("the Express example stores and shows what came through the gateway", async () => {
  const endpoint = await registered();
  await withExample("express", endpoint.environment, async (example) => {
    await endpoint.point(example);
    await withPage(example.url, async (page) => {
      await page.getByText("live", { exact: true }).waitFor();
      for (const { task, passed } of await run(endpoint)) {
        const sql = `SELECT status, result_url, failure FROM tasks WHERE task_id = '${task}'`;
        assert.deepEqual({ ...rows(example, sql)[0] }, await known(task), task);
        const row = page.getByRole("row", { name: `${task} ${passed.at(-1)}` });
        await (passed.includes("failed") ? row.getByText(REASON) : row.getByText("open")).waitFor();
      }
    });
    const [{ count }] = rows(example, "SELECT count(*) AS count FROM vtryon_webhooks");
    assert.equal(count, ORDERS.flatMap(({ passed }) => passed).length, "each event once");
  });
});

test("the Express example gets what it missed while it was down", async () => {
  const endpoint = await registered();
  await withExample("express", endpoint.environment, async (example) => {
    await endpoint.point(example);
    await example.stop("SIGKILL");
    assert.equal((await gateway.post(line("missed", "completed"))).status, 200);
    const [{ id }] = await until(async () => {
      const { body } = await gateway.api("/api/deliveries?task_id=missed");
      return body.deliveries[0].attempts[0]?.error === "connection" && body.deliveries;
    });
    await example.start();
    await endpoint.point(example);
    await gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" });
    const sql = "SELECT status, result_url, failure FROM tasks WHERE task_id = 'missed'";
    const [row] = await until(() => rows(example, sql).length === 1 && rows(example, sql));
    assert.deepEqual({ ...row }, await known("missed"));
  });
});

test("the FastAPI example stores and shows what came through the gateway", async () => {
  const endpoint = await registered();
  await withFastapiExample(endpoint.environment, async (example) => {
    await endpoint.point(example);
    for (const { task, passed } of await run(endpoint)) {
      const shown = await (await fetch(`${example.url}/tasks/${task}`)).json();
      const { failure, ...rest } = await known(task);
      const expected = { task_id: task, ...rest, error_message: failure, received: passed };
      assert.deepEqual(shown, expected);
    }
  });
});

test("the examples take the gateway's test event, and keep no task of it", async () => {
  const endpoint = await registered();
  const sendTest = async () => {
    const path = `/api/endpoints/${endpoint.id}/test`;
    const { status, body } = await gateway.api(path, { method: "POST" });
    assert.deepEqual([status, body.state], [200, "delivered"]);
    assert.equal(body.attempts[0].status, 200, "the example has answered itself");
    return body.task_id;
  };
  await withExample("express", endpoint.environment, async (example) => {
    await endpoint.point(example);
    await sendTest();
    assert.deepEqual(rows(example, "SELECT * FROM tasks"), []);
  });
  await withFastapiExample(endpoint.environment, async (example) => {
    await endpoint.point(example);
    assert.equal((await fetch(`${example.url}/tasks/${await sendTest()}`)).status, 404);
  });
});
