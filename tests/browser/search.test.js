// Tasks found by the beginning of their ids and by time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { event } from "../edge/support/gateway.js";
import { assertAccessible, assertFits, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard } = await opened();

const IDS = ["vtr_20", "vtr_1", "other_1", "vtr_3"];

/** Waits until the list has these tasks, in this order. */
async function listed(page, ids) {
  const links = page.getByRole("table", { name: "Tasks" }).getByRole("link");
  await page.waitForFunction(
    ([count]) => document.querySelectorAll("table a").length === count,
    [ids.length],
  );
  assert.deepEqual(await links.allTextContents(), ids);
}

test("by the beginning of ids and by time", async () => {
  for (const id of IDS) {
    assert.equal((await dashboard.gateway.post(event(id, "queued"))).status, 200);
  }
  await dashboard.visit(
    async (page) => {
      await listed(page, [...IDS].reverse());
      const prefix = page.getByLabel("Id begins with");
      await prefix.fill("vtr_");
      await prefix.press("Enter");
      await listed(page, ["vtr_1", "vtr_20", "vtr_3"]);
      assert.equal(new URL(page.url()).searchParams.get("prefix"), "vtr_");
      await assertFits(page);
      await assertAccessible(page);
      await shoot(page, "search");
      // It changes where it is, and nothing new comes in between.
      await dashboard.gateway.post(event("vtr_20", "completed"));
      await dashboard.gateway.post(event("vtr_2", "queued"));
      await page
        .getByRole("row", { name: /vtr_20/ })
        .getByText("completed")
        .waitFor();
      await listed(page, ["vtr_1", "vtr_20", "vtr_3"]);

      await page.getByLabel("And before").fill("2020-01-01T00:00");
      await page.getByLabel("And before").blur();
      await page.getByRole("heading", { name: "No task matches." }).waitFor();
      await page.getByRole("link", { name: "Show all tasks" }).click();
      await page.getByLabel("Created from").fill("2020-01-01T00:00");
      await page.getByLabel("Created from").blur();
      await listed(page, ["vtr_2", "vtr_3", "other_1", "vtr_1", "vtr_20"]);
    },
    { at: "/tasks" },
  );
});
