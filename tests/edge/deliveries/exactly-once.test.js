// Exactly one effect of each event, from Vtryon's post to a row in the shop's database: the events come again
// and again, the backend throws and dies before and after its commits, and the gateway is killed in the middle.
// In the end everything is replayed. Deliveries are made at least once; the SQL store of the npm package makes
// one effect of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Shop } from "../support/backends/shop-process.js";
import { event, Gateway, until } from "../support/gateway.js";

const TASKS = Array.from({ length: 24 }, (_, n) => `task_${n}`);
const STATUSES = ["queued", "processing", "completed"];
const COPIES = 3;
const SENDERS = 8;
const SEED = "2";

/** What the backend does to events, all of it: see `shop.js`. */
const FATES = ["comes through", "dies after", "dies before", "throws after", "throws before"];

/** The retries of a day in 90 seconds. */
const FAST = { CLOCK_SCALE: "1000", CLOCK_FROM: String(Date.now()) };

/** Sends every event in several copies, a task's in order, each until it is acknowledged; kills the gateway once. */
async function storm(gateway) {
  const tasks = [...TASKS];
  let acknowledged = 0;
  let lost = 0;
  let restarting;
  const send = async (body) => {
    await until(async () => {
      await restarting;
      const answer = await gateway.post(body).catch(() => undefined);
      if (answer?.status !== 200) lost += 1;
      return answer?.status === 200;
    });
    acknowledged += 1;
    if (acknowledged === (TASKS.length * STATUSES.length * COPIES) / 2)
      restarting = gateway.crash();
  };
  const sender = async () => {
    for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
      for (const status of STATUSES) {
        await Promise.all(Array.from({ length: COPIES }, () => send(event(task, status))));
      }
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  await restarting;
  assert.ok(lost > 0, "the kill has hit events in progress");
}

/** Waits until nothing is on its way any more. */
async function settled(gateway) {
  await until(async () => {
    const { body } = await gateway.api("/api/deliveries?state=pending");
    return body.deliveries.length === 0;
  });
}

/** Has every event delivered once more. */
async function replayed(gateway, endpoint) {
  const json = { endpoint: endpoint.id, which: "all" };
  const { status, body } = await gateway.api("/api/replay", { json });
  assert.deepEqual([status, body.matched], [202, TASKS.length * STATUSES.length]);
  const { delivered } = await until(async () => {
    const { body: now } = await gateway.api(`/api/replays/${body.replay_id}`);
    return now.done && now;
  });
  assert.equal(delivered, TASKS.length * STATUSES.length);
}

test("each event takes effect exactly once, despite crashes and retries", async () => {
  const gateway = await Gateway.start({
    build: "build-faults",
    bindings: { ...FAST, SHARDS: "8" },
  });
  const shop = await Shop.open();
  try {
    const endpoint = await gateway.register(shop.url, { order: "all" });
    await shop.run(endpoint.secret, SEED);
    await storm(gateway);
    await settled(gateway);
    // What has died of too many failures is delivered now, and everything else once more.
    await replayed(gateway, endpoint);

    const effects = shop.rows(
      "SELECT task_id, status, count(*) AS times FROM effects GROUP BY 1, 2",
    );
    const done = effects.map(({ task_id, status, times }) => `${task_id} ${status} ${times}`);
    const expected = TASKS.flatMap((task) => STATUSES.map((status) => `${task} ${status} 1`));
    assert.deepEqual(done.sort(), expected.sort());
    const fates = shop
      .rows("SELECT DISTINCT fate FROM visits ORDER BY fate")
      .map(({ fate }) => fate);
    assert.deepEqual(fates, FATES);
  } finally {
    await shop.stop();
    await gateway.stop();
  }
});
