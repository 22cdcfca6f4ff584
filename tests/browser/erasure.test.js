// Erasing a task, by hand or elsewhere: asked before, done once, and nothing of it is left on the page or in the list.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createToken } from "../edge/support/api/tokens.js";
import { event } from "../edge/support/gateway.js";
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

test("a task that is erased elsewhere goes from its open page", async () => {
  const data = { result_url: "https://cdn.example/elsewhere.png" };
  const id = "task_elsewhere";
  for (const body of [event(id, "queued"), event(id, "completed", { data })]) {
    assert.equal((await dashboard.gateway.post(body)).status, 200);
  }
  await dashboard.visit(
    async (page) => {
      await page.getByText("Live", { exact: true }).first().waitFor();
      await page.getByRole("heading", { name: "Result" }).waitFor();
      await dashboard.gateway.api(`/api/tasks/${id}`, { method: "DELETE" });
      await page.getByRole("heading", { name: "This task is not stored any more." }).waitFor();
      assert.ok(!(await page.content()).includes("cdn.example"), "nothing of it is on the page");
      assert.equal(await page.getByRole("button", { name: "Erase task" }).count(), 0);
      await assertAccessible(page);
      await shoot(page, "erased-elsewhere");
    },
    { at: `/tasks/${id}` },
  );
});

test("a task that is erased elsewhere goes from open lists and from the overview", async () => {
  const ids = ["task_listed", "task_stays_listed"];
  for (const id of ids)
    assert.equal((await dashboard.gateway.post(event(id, "queued"))).status, 200);
  await dashboard.visit(async (overview) => {
    const list = await overview.context().newPage();
    await dashboard.show(list, "/tasks");
    const links = (page, id) => page.getByRole("main").getByRole("link", { name: id, exact: true });
    for (const page of [overview, list]) {
      await page.getByText("Live", { exact: true }).first().waitFor();
      await links(page, ids[0]).waitFor();
    }
    await dashboard.gateway.api(`/api/tasks/${ids[0]}`, { method: "DELETE" });
    for (const page of [overview, list]) {
      await links(page, ids[0]).waitFor({ state: "detached" });
      await links(page, ids[1]).waitFor();
    }
    // Another event does not put it back.
    await dashboard.gateway.post(event(ids[1], "completed"));
    const changes = overview.getByRole("list", { name: "Latest changes" });
    for (const shown of [changes, list.getByRole("row", { name: ids[1] })]) {
      await shown.getByText("Completed").first().waitFor();
    }
    for (const page of [overview, list]) assert.equal(await links(page, ids[0]).count(), 0);
  });
});

test("a task that can't be loaded again stays, with what went wrong", async () => {
  const id = "task_stale";
  await dashboard.gateway.post(event(id, "queued"));
  // Without live updates the page keeps up by asking.
  const { token } = await createToken(dashboard.gateway, "read");
  await dashboard.visit(
    async (page) => {
      await page.getByRole("list", { name: "Timeline" }).getByText("Queued").waitFor();
      await page.clock.install();
      await page.reload();
      await page.getByRole("list", { name: "Timeline" }).getByText("Queued").waitFor();
      const json = { error: "unavailable", message: "the shard does not answer" };
      await page.route(`**/api/tasks/${id}`, (route) => route.fulfill({ status: 503, json }));
      await page.clock.runFor(15_000);
      const alert = page.getByRole("alert");
      await alert.getByText("The task was not loaded again").waitFor();
      await alert.getByText("The shard does not answer.").waitFor();
      assert.ok(await page.getByRole("list", { name: "Timeline" }).getByText("Queued").isVisible());
      await page.unroute(`**/api/tasks/${id}`);
      await alert.getByRole("button", { name: "Try again" }).click();
      await alert.waitFor({ state: "detached" });
    },
    { at: `/tasks/${id}`, token, expected: /status of (40[134]|503)|closed before/ },
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
