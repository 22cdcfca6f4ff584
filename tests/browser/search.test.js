// Tasks found by the beginning of their ids and by time, and times that no field takes.

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

/** Fills a field with a time that no API has, and returns what the browser says of it. */
async function fillBeyond(field) {
  await field.fill("12345-01-01T00:00");
  await field.blur();
  return field.evaluate(({ validationMessage }) => validationMessage);
}

test("a year of five digits is refused with a message, and nothing is asked for", async () => {
  await dashboard.gateway.register("https://shop.example/hook");
  await dashboard.visit(
    async (page) => {
      await page.getByRole("table", { name: "Tasks" }).waitFor();
      const { href } = new URL(page.url());
      assert.match(await fillBeyond(page.getByLabel("Created from")), /9999/);
      assert.equal(page.url(), href);

      await dashboard.show(page, "/deliveries");
      await page.getByRole("button", { name: "Replay a range" }).click();
      const dialog = page.getByRole("dialog", { name: "Replay a range" });
      assert.match(await fillBeyond(dialog.getByLabel("Received from")), /9999/);
      const sent = [];
      page.on("request", (request) => sent.push(request.url()));
      for (const name of ["Count", "Replay"]) {
        await dialog.getByRole("button", { name, exact: true }).click();
      }
      assert.equal(await dialog.getByRole("alert").count(), 0);
      await dialog.getByLabel("Received from").fill("2020-01-01T00:00");
      await dialog.getByRole("button", { name: "Count" }).click();
      await dialog.getByText("0 would be replayed.").waitFor();
      assert.equal(sent.filter((url) => url.endsWith("/api/replay")).length, 1);
    },
    { at: "/tasks" },
  );
});
