// The Express example as its user runs it: events in any order, a restart, its socket, and its page in a browser.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { WebSocket } from "ws";
import { emitted, within } from "../../../tests/support/wait.js";
import { SECRET, withExample } from "../support/example-process.js";

const COMMAND = fileURLToPath(new URL("../../bin/vtryon-webhooks.js", import.meta.url));
const RESULT = "https://cdn.example/4k.png";
const REASON = "the garment was not found";

/** The rows of a table of the example's database. */
function rows({ folder }, sql) {
  const database = new DatabaseSync(join(folder, "tasks.db"), { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

const body = (task_id, status) => ({
  task_id,
  status,
  ...(status === "completed" && { data: { result_url: RESULT } }),
  ...(status === "failed" && { error: { message: REASON } }),
});

const done = { status: "completed", result_url: RESULT, failure: null, conflict: 0 };
const broken = { status: "failed", result_url: null, failure: REASON, conflict: 0 };

const ORDERS = [
  { statuses: ["queued", "processing", "completed"], expect: done },
  { statuses: ["completed", "processing", "queued"], expect: done },
  { statuses: ["processing", "completed", "queued", "processing", "completed"], expect: done },
  { statuses: ["queued", "failed", "processing"], expect: broken },
  { statuses: ["completed", "failed", "queued"], expect: { ...done, conflict: 1 } },
  { statuses: ["failed", "completed"], expect: { ...broken, conflict: 1 } },
  {
    statuses: ["queued", "paused", "queued"],
    expect: { ...broken, status: "queued", failure: null },
  },
];

test("a status never goes back, also after a kill", async () => {
  await withExample("express", {}, async (example) => {
    for (const [number, { statuses }] of ORDERS.entries()) {
      for (const status of statuses) {
        const { status: answer } = await example.send(body(`task_${number}`, status));
        assert.equal(answer, 200, `${statuses}: ${status}`);
      }
    }
    await example.stop("SIGKILL");
    await example.start();
    for (const [number, { statuses, expect }] of ORDERS.entries()) {
      await example.send(body(`task_${number}`, statuses[0]));
      const sql = `SELECT status, result_url, failure, conflict FROM tasks WHERE task_id = 'task_${number}'`;
      assert.deepEqual({ ...rows(example, sql)[0] }, expect, `${statuses}`);
    }
  });
});

test("unsigned requests leave no trace; events without a status are acknowledged", async () => {
  await withExample("express", {}, async (example) => {
    assert.equal((await example.send(body("task_1", "queued"), "another secret")).status, 401);
    assert.equal((await example.send({ event: "account.updated", task_id: "task_1" })).status, 200);
    assert.deepEqual(rows(example, "SELECT * FROM tasks"), []);
    assert.deepEqual(rows(example, "SELECT * FROM vtryon_webhooks"), []);
  });
});

test("the socket sends all tasks first, then each change once, and refuses other origins", async () => {
  await withExample("express", {}, async (example) => {
    await example.send(body("task_1", "processing"));
    const live = example.url.replace("http", "ws");
    const socket = new WebSocket(`${live}/live`, { origin: example.url });
    const received = [];
    socket.on("message", (data) => {
      for (const { task_id, status } of JSON.parse(data)) received.push(`${task_id} ${status}`);
    });
    await emitted(socket, "message");
    const closed = once(socket, "close");
    for (const status of ["processing", "queued", "completed", "completed"]) {
      await example.send(body("task_1", status));
    }
    assert.equal(await example.stop(), 0);
    await within("the end of the socket", closed);
    assert.deepEqual(received, ["task_1 processing", "task_1 completed"]);

    await example.start();
    for (const origin of ["https://another.example", "null", undefined]) {
      const foreign = new WebSocket(`${example.url.replace("http", "ws")}/live`, { origin });
      const [, { statusCode }] = await emitted(foreign, "unexpected-response");
      assert.equal(statusCode, 401, `${origin}`);
      foreign.on("error", () => {}).terminate();
    }
  });
});

test("a page shows a task live from its first status to its result", async () => {
  const browser = await chromium.launch({
    executablePath: execFileSync("sh", ["-c", "command -v google-chrome || command -v chromium"], {
      encoding: "utf8",
    }).trim(),
    args: JSON.parse(readFileSync(new URL("../../../tests/webdriver.json", import.meta.url)))[
      "goog:chromeOptions"
    ].args,
  });
  try {
    await withExample("express", {}, async (example) => {
      const page = await browser.newPage();
      const complaints = [];
      page.on("pageerror", (fault) => complaints.push(`${fault}`));
      page.on("console", (message) => complaints.push(message.text()));
      await page.goto(example.url);
      await page.getByText("live", { exact: true }).waitFor();

      const to = `${example.url}/webhooks/vtryon`;
      await promisify(execFile)(
        process.execPath,
        [COMMAND, "trigger", "try-on", "--task", "task_1", "--to", to],
        { env: { ...process.env, VTRYON_WEBHOOK_SECRET: SECRET } },
      );
      const row = page.getByRole("row", { name: /task_1 completed/ });
      await row.getByRole("link", { name: "open" }).waitFor();

      await example.send({
        ...body("task_2", "failed"),
        error: { message: "<b id=injected>no</b>" },
      });
      await page.getByText("<b id=injected>no</b>").waitFor();
      const script = {
        ...body("task_3", "completed"),
        data: { result_url: "javascript:alert(1)" },
      };
      await example.send(script);
      await page.getByText("javascript:alert(1)").waitFor();
      assert.equal(await page.locator("#injected, a[href^=javascript]").count(), 0);

      await page.reload();
      await row.waitFor();
      assert.deepEqual(complaints, []);
    });
  } finally {
    await browser.close();
  }
});
