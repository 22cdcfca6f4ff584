// The list of deliveries while it is open: every row follows, and what it lacks is counted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { acknowledged } from "../edge/support/deliveries.js";
import { event, until } from "../edge/support/gateway.js";
import { opened } from "./support/opened.js";

const { dashboard, backend, other } = await opened({ backend: "ok", other: "ok" });

/** More than are loaded again at a time. */
const TASKS = Array.from({ length: 8 }, (_, n) => `task_follows_${n}`);

test("by the endpoint: all rows that change at once follow, and newer deliveries are counted", async () => {
  const { gateway } = dashboard;
  const { id } = await gateway.register(backend.url);
  await gateway.register(other.url);
  const held = [];
  backend.answer = (exchange) => held.push(exchange);
  await acknowledged(gateway, ...TASKS.map((task) => event(task, "queued")));
  await until(() => held.length === TASKS.length);
  await dashboard.visit(
    async (page) => {
      const rows = page
        .getByRole("table", { name: "Deliveries" })
        .getByRole("row", { name: /^dlv_/ });
      const inState = (state) => rows.filter({ has: page.getByText(state, { exact: true }) });
      await page.getByText("Live", { exact: true }).first().waitFor();
      await inState("Pending")
        .nth(TASKS.length - 1)
        .waitFor();
      backend.answer = "ok";
      for (const { response } of held) response.end("ok");
      await inState("Delivered")
        .nth(TASKS.length - 1)
        .waitFor();
      const loaded = rows.filter({ hasText: /no. 1/ });
      await loaded.nth(TASKS.length - 1).waitFor();

      await acknowledged(gateway, event("task_newer", "queued"));
      await page.getByRole("button", { name: "Show 1 newer delivery" }).click();
      await rows.filter({ hasText: "task_newer" }).waitFor();
      assert.equal(await rows.count(), TASKS.length + 1);
      assert.equal(await page.getByRole("button", { name: /^Show / }).count(), 0);
    },
    { at: `/deliveries?endpoint=${id}` },
  );
});
