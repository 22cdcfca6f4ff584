// Erasing a task by hand: asked before, done once, and nothing of it is left on the page or in the list.

import assert from "node:assert/strict";
import { test } from "node:test";
import { event } from "../edge/support/gateway.js";
import { createToken } from "../edge/support/tokens.js";
import { assertAccessible, assertFits, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard } = await opened();

const TASK = "task_erase";
const AT = `/tasks/${TASK}`;

test("a task is erased when it is confirmed", async () => {
  const data = { result_url: "https://cdn.example/erase.png" };
  for (const body of [event(TASK, "queued"), event(TASK, "completed", { data })]) {
    assert.equal((await dashboard.gateway.post(body)).status, 200);
  }
  assert.equal((await dashboard.gateway.post(event("task_stays", "queued"))).status, 200);
  await dashboard.visit(
    async (page) => {
      const button = page.getByRole("button", { name: "Erase task" });
      await button.click();
      const dialog = page.getByRole("dialog", { name: "Erase task" });
      await assertAccessible(page);
      await assertFits(page);
      await shoot(page, "erase");
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await dialog.waitFor({ state: "detached" });
      await page.getByRole("heading", { name: "Result" }).waitFor();

      await button.click();
      await dialog.getByRole("button", { name: "Erase", exact: true }).click();
      await page.getByRole("heading", { name: "This task was erased." }).waitFor();
      await page.getByText("Events: 2, deliveries: 0.").waitFor();
      assert.ok(!(await page.content()).includes("cdn.example"), "nothing of it is on the page");
      await assertAccessible(page);
      await shoot(page, "erased");

      await page.getByRole("main").getByRole("link", { name: "All tasks" }).click();
      await page.getByRole("link", { name: "task_stays" }).waitFor();
      assert.equal(await page.getByRole("link", { name: TASK }).count(), 0);
    },
    { at: AT },
  );
});

test("who may only read is told why it was not erased", async () => {
  await dashboard.gateway.post(event("task_kept", "queued"));
  const { token } = await createToken(dashboard.gateway, "read");
  await dashboard.visit(
    async (page) => {
      await page.getByRole("button", { name: "Erase task" }).click();
      const dialog = page.getByRole("dialog", { name: "Erase task" });
      await dialog.getByRole("button", { name: "Erase", exact: true }).click();
      await dialog.getByRole("alert").getByText("This needs the scope `admin`").waitFor();
      assert.equal((await dashboard.gateway.api("/api/tasks/task_kept")).status, 200);
    },
    { at: "/tasks/task_kept", token, expected: /status of 40[13]|closed before/ },
  );
});
