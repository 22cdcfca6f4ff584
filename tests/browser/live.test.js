// Live updates as a reader sees them: what is stored shows up on every open page, and no page is loaded again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { acknowledged, named } from "../edge/support/deliveries.js";
import { event } from "../edge/support/gateway.js";
import { shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard, backend } = await opened({ backend: "ok" });

/** Has Vtryon tell how a task stands. */
async function postStatus(task, status, more) {
  assert.equal((await dashboard.gateway.post(event(task, status, more))).status, 200);
}

const timeline = (page) => page.getByRole("list", { name: "Timeline" }).getByRole("listitem");

/** What the timeline says of each event, first to last: its status or name, and its outcome where it is not usual. */
const liveMessages = async (page) => {
  const entries = await timeline(page).locator("div").allInnerTexts();
  return entries.map((text) => text.replace(/\s+/g, " "));
};

test("a task appears and reaches its final status on three open pages", async () => {
  await dashboard.gateway.register(backend.url);
  await dashboard.visit(async (overview) => {
    const [list, page] = [await overview.context().newPage(), await overview.context().newPage()];
    await dashboard.show(list, "/tasks");
    await list.getByRole("heading", { name: "No task yet." }).waitFor();
    await dashboard.show(page, "/tasks/task_live");
    await page
      .getByRole("heading", { name: "No event of this task has been received yet." })
      .waitFor();
    const pages = [overview, list, page];
    for (const each of pages) {
      await each.getByText("Live", { exact: true }).first().waitFor();
      await each.evaluate(() => {
        globalThis.isSame = true;
      });
    }
    const changes = overview.getByRole("list", { name: "Latest changes" });
    const row = list.getByRole("table", { name: "Tasks" }).getByRole("row", { name: "task_live" });
    const steps = page.getByRole("list", { name: "Progress" });
    for (const [nth, status] of ["queued", "processing", "completed"].entries()) {
      await postStatus("task_live", status);
      const name = status[0].toUpperCase() + status.slice(1);
      await row.getByText(name).waitFor();
      await changes.getByText(name).waitFor();
      await timeline(page).nth(nth).getByText(name).waitFor();
      const step = steps.getByRole("listitem").filter({ hasText: name });
      // A step that is reached has a time.
      await step.getByRole("time").waitFor();
      await page.getByText("Delivered", { exact: true }).nth(nth).waitFor();
    }
    await shoot(page, "live-task");
    for (const each of pages) assert.equal(await each.evaluate(() => globalThis.isSame), true);
  });
});

test("an event without effect is marked with its outcome", async () => {
  await dashboard.visit(
    async (page) => {
      await page.getByRole("heading", { name: "No event of this task" }).waitFor();
      await postStatus("task_marked", "processing");
      await postStatus("task_marked", "queued");
      await postStatus("task_marked", "completed");
      await postStatus("task_marked", "rendering");
      for (const _ of [1, 2]) await postStatus("task_marked", "completed");
      await postStatus("task_marked", "failed", { error: { message: "out of memory" } });
      await page.getByText("Vtryon said both completed and failed.").waitFor();
      const expected = [
        "Processing",
        "Queued Late",
        "Completed",
        "Rendering Unknown",
        "Failed Conflict",
      ];
      assert.deepEqual(await liveMessages(page), expected);
      await page.getByText("2 duplicates").waitFor();
      for (const meaning of ["Came after", "Contradicts", "guide does not name it"]) {
        assert.equal(await timeline(page).filter({ hasText: meaning }).count(), 1, meaning);
      }
      await page.reload();
      await page.getByText("2 duplicates").waitFor();
      assert.deepEqual(await liveMessages(page), expected, "as it was live");
      await dashboard.show(page, "/tasks");
      const row = page.getByRole("row", { name: "task_marked" });
      await row.getByText("Conflict").waitFor();
      await row.getByRole("cell", { name: "2", exact: true }).waitFor();
    },
    { at: "/tasks/task_marked" },
  );
});

test("the image of a result is fetched on demand, without a referrer", async () => {
  const picture = "https://cdn.example/results/task_image.svg";
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="40"></svg>';
  await postStatus("task_image", "completed", { data: { result_url: picture } });
  await dashboard.visit(
    async (page) => {
      const asked = [];
      await page.route(picture, (route) => {
        asked.push(route.request().headers());
        return route.fulfill({ contentType: "image/svg+xml", body: svg });
      });
      const button = page.getByRole("button", { name: "Show the image" });
      await button.waitFor();
      await page.getByText("Live", { exact: true }).first().waitFor();
      assert.equal(asked.length, 0);
      await button.click();
      const image = page.getByRole("img", { name: "Result of this task" });
      await image.evaluate((shown) => shown.decode());
      assert.equal(asked.length, 1);
      assert.equal(asked[0].referer, undefined);
      const link = page.getByRole("link", { name: picture });
      assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
    },
    { at: "/tasks/task_image", hosts: ["https://cdn.example"] },
  );
});

test("what was asked for before an event came does not undo it", async () => {
  await postStatus("task_held", "processing");
  await dashboard.visit(
    async (page) => {
      await page.getByText("Live", { exact: true }).first().waitFor();
      const { promise: released, resolve: release } = Promise.withResolvers();
      // Answered by the gateway at once, and held on the way to the page.
      await page.route("**/api/tasks/task_held", async (route) => {
        const response = await route.fetch();
        await released;
        // Nobody may be waiting for it any more.
        await route.fulfill({ response }).catch(() => {});
      });
      const asked = page.waitForRequest("**/api/tasks/task_held");
      await page.reload();
      await asked;
      await postStatus("task_held", "completed");
      const step = page.getByRole("list", { name: "Progress" }).getByRole("listitem").nth(2);
      const again = page.waitForRequest("**/api/tasks/task_held");
      await step.getByText("Completed").waitFor();
      await again;
      const answered = page.waitForResponse("**/api/tasks/task_held");
      release();
      await (await answered).finished();
      await timeline(page).nth(1).getByText("Completed").waitFor();
      await step.getByText("Completed").waitFor();
    },
    { at: "/tasks/task_held" },
  );
});

test("an event that a timeline is too long for is not called missing", async () => {
  for (const status of ["queued", "processing"]) await postStatus("task_long", status);
  const others = Array.from({ length: 100 }, (_, n) => named(`other_${n}`, "task_long"));
  await acknowledged(dashboard.gateway, ...others);
  await dashboard.visit(
    async (page) => {
      await page.getByText("The latest 100 events; earlier ones are not shown.").waitFor();
      const steps = page.getByRole("list", { name: "Progress" }).getByRole("listitem");
      assert.deepEqual(
        (await steps.allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim()),
        ["Queued", "Processing", "Completed or failed not yet"],
      );
    },
    { at: "/tasks/task_long" },
  );
});

test("to stalled tasks live updates add none, and take away those that go on", async () => {
  for (const task of ["task_listed", "task_resumed"]) await postStatus(task, "queued");
  await dashboard.visit(
    async (page) => {
      // Later than ten minutes from now, so that by time alone all that have not ended are stalled.
      await page.clock.setFixedTime(Date.now() + 3_600_000);
      const tasks = await Promise.all(
        ["task_listed", "task_resumed"].map(async (task) => {
          const { events, ...summary } = (await dashboard.gateway.api(`/api/tasks/${task}`)).body;
          return summary;
        }),
      );
      await page.route("**/api/tasks?*", (route) =>
        route.fulfill({ json: { tasks, cursor: null } }),
      );
      await page.getByLabel("Stalled for").selectOption("10m");
      const rows = page.getByRole("table", { name: "Tasks" }).getByRole("row", { name: /^task_/ });
      await rows.nth(1).waitFor();
      await postStatus("task_unlisted", "queued");
      await postStatus("task_resumed", "completed");
      await rows.filter({ hasText: "task_resumed" }).waitFor({ state: "detached" });
      assert.deepEqual(await rows.getByRole("link").allInnerTexts(), ["task_listed"]);
    },
    { at: "/tasks" },
  );
});

test("a list of stalled tasks is loaded again every minute: no message makes a task one", async () => {
  await dashboard.visit(
    async (page) => {
      await page.clock.install();
      await page.reload();
      await page.getByRole("heading", { name: "No task is stalled." }).waitFor();
      const at = "2020-07-01T12:00:00.000Z";
      const state = { status: "queued", conflict: false, created_at: at, updated_at: at };
      const tasks = [{ ...state, task_id: "task_since", duplicates: 0, seq: 1 }];
      await page.route("**/api/tasks?*", (route) =>
        route.fulfill({ json: { tasks, cursor: null } }),
      );
      await page.clock.runFor(60_000);
      await page.getByRole("row", { name: "task_since" }).waitFor();
    },
    { at: "/tasks?stalled=10m" },
  );
});

test("once more tasks have come than are remembered, a list is loaded again, and loses none", async () => {
  const at = "2026-07-01T12:00:00.000Z";
  const state = (task_id, status, seq) => ({
    task_id,
    status,
    conflict: false,
    created_at: at,
    updated_at: at,
    duplicates: 0,
    seq,
  });
  const [known, fresh] = [state("task_known", "failed", 1), state("task_fresh", "failed", 2)];
  const others = Array.from({ length: 2000 }, (_, n) => state(`task_other_${n}`, "queued", 3 + n));
  await dashboard.visit(
    async (page) => {
      const answers = [[known]];
      await page.route("**/api/tasks?*", (route) =>
        route.fulfill({ json: { tasks: answers.at(-1), cursor: "next" } }),
      );
      const { promise: opened, resolve: open } = Promise.withResolvers();
      await page.routeWebSocket(/\/api\/live\/0$/, open);
      await page.reload();
      const socket = await opened;
      const tell = (task) => socket.send(JSON.stringify({ type: "event", shard: 0, task }));
      const row = (name) => page.getByRole("row", { name });
      await row("task_known").waitFor();
      tell(fresh);
      await row("task_fresh").waitFor();
      answers.push([fresh, known]);
      const again = page.waitForResponse("**/api/tasks?*");
      for (const other of others) tell(other);
      await (await again).finished();
      await row("task_fresh").waitFor();
    },
    { at: "/tasks?status=failed" },
  );
});
