// The gateway is killed under open pages and started again: they say so, come back by themselves, and miss nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deliveries, delivery } from "../edge/support/deliveries.js";
import { event, until } from "../edge/support/gateway.js";
import { shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

/** More than a snapshot holds: without the cursor some of them would be missed. */
const MISSED = Array.from({ length: 60 }, (_, n) => `task_missed_${n}`);

/** What a cut says in the console of the browser, which nobody can forbid it. */
const CUT = /status of 40[14]|net::ERR_|WebSocket connection to .* failed/;

const { dashboard, backend } = await opened({ backend: "ok" }, { bindings: { SHARDS: "1" } });

async function postStatuses(task, ...statuses) {
  for (const status of statuses) {
    assert.equal((await dashboard.gateway.post(event(task, status))).status, 200);
  }
}

/** The network says that it is back: nobody waits any longer. */
const online = (page) => page.evaluate(() => dispatchEvent(new Event("online")));

const isLive = (page) => page.getByText("Live", { exact: true }).first().waitFor();

test("killed and restarted: no event is missed, and none is forwarded twice", async () => {
  const { gateway, proxy } = dashboard;
  await postStatuses("task_open", "queued");
  await dashboard.visit(
    async (list) => {
      const page = await list.context().newPage();
      await dashboard.show(page, "/tasks/task_open");
      for (const each of [list, page]) await isLive(each);
      await list.getByRole("row", { name: "task_open" }).waitFor();

      // The proxy points to a closed port, so no connection succeeds.
      proxy.forwardTo("http://127.0.0.1:1");
      await gateway.kill();
      await list.getByText(/^Reconnecting/).waitFor();
      // Of both streams, that of the task and that of the whole gateway, one at least is not waiting by now.
      await page
        .getByText(/^(Rec|C)onnecting/)
        .first()
        .waitFor();
      await shoot(list, "reconnecting");
      await gateway.restart();
      await Promise.all(MISSED.map((task) => postStatuses(task, "queued")));
      await postStatuses("task_open", "processing", "rendering", "completed");
      const listings = [];
      list.on("request", (request) => listings.push(request.url()));
      const sockets = [];
      list.on("websocket", (socket) => sockets.push(socket.url()));
      proxy.forwardTo(gateway.url);

      for (const each of [list, page]) await online(each);
      await isLive(list);
      for (const task of MISSED)
        await list.getByRole("link", { name: task, exact: true }).waitFor();
      await list.getByRole("row", { name: "task_open" }).getByText("Completed").waitFor();
      assert.match(sockets.at(-1), /\/api\/live\/0\?cursor=/);
      assert.deepEqual(
        listings.filter((url) => url.includes("/api/tasks")),
        [],
        "what was missed came live",
      );

      const timeline = page.getByRole("list", { name: "Timeline" }).getByRole("listitem");
      await timeline.nth(3).waitFor();
      const rows = await timeline.locator("div").allInnerTexts();
      assert.deepEqual(
        rows.map((text) => text.replace(/\s+/g, " ")),
        ["Queued", "Processing", "Rendering Unknown", "Completed"],
      );
      await isLive(page);
    },
    { at: "/tasks", expected: CUT },
  );
});

test("disconnected repeatedly while events arrive: each is shown once", async () => {
  await dashboard.visit(
    async (page) => {
      await isLive(page);
      const changes = page.getByRole("list", { name: "Latest changes" }).getByRole("listitem");
      const tasks = Array.from({ length: 12 }, (_, n) => `task_cut_${n}`);
      for (const [nth, task] of tasks.entries()) {
        await postStatuses(task, "queued", "processing");
        if (nth % 4 === 3) {
          dashboard.proxy.cut();
          await postStatuses(task, "completed");
          await changes.first().filter({ hasText: task }).getByText("Completed").waitFor();
        }
      }
      // The last twelve changes, the latest first, as they were stored.
      const expected = tasks
        .flatMap((task, nth) => [
          `${task} Queued`,
          `${task} Processing`,
          ...(nth % 4 === 3 ? [`${task} Completed`] : []),
        ])
        .toReversed()
        .slice(0, 12);
      const shown = await changes.allInnerTexts();
      const words = (text) => text.split(/\s+/).slice(1).join(" ");
      assert.deepEqual(shown.map(words), expected);
    },
    { expected: CUT },
  );
});

test("what was delivered while no page was connected is shown once they are back", async () => {
  const { gateway, proxy } = dashboard;
  await gateway.register(backend.url, { timeout_seconds: 30 });
  const unanswered = [];
  backend.answer = (exchange) => unanswered.push(exchange);
  await postStatuses("task_away", "queued");
  await until(() => unanswered.length === 1);
  const [{ id }] = await deliveries(gateway, { task_id: "task_away" });
  await dashboard.visit(
    async (list) => {
      const [one, task] = [await list.context().newPage(), await list.context().newPage()];
      await dashboard.show(one, `/deliveries/${id}`);
      await dashboard.show(task, "/tasks/task_away");
      const row = list.getByRole("row", { name: new RegExp(`^${id} `) });
      const shown = [row, one.getByRole("main"), task.getByRole("main")];
      for (const each of shown) await each.getByText("Pending", { exact: true }).first().waitFor();
      for (const each of [list, one, task]) await isLive(each);

      proxy.forwardTo("http://127.0.0.1:1");
      proxy.cut();
      for (const each of [list, one, task]) {
        await each
          .getByText(/^Reconnecting/)
          .first()
          .waitFor();
      }
      for (const { response } of unanswered) response.end("ok");
      await delivery(gateway, { task_id: "task_away" }, ({ state }) => state === "delivered");
      proxy.forwardTo(gateway.url);
      for (const each of [list, one, task]) await online(each);
      for (const each of [list, one, task]) await isLive(each);
      for (const each of shown)
        await each.getByText("Delivered", { exact: true }).first().waitFor();
    },
    { at: "/deliveries", expected: CUT },
  );
  await dashboard.deleteEndpoints();
});
