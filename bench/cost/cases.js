// What comes to the gateway whose cost is counted: tasks that are queued, processed and completed, in one way or
// another. Each status is posted when the one before it has arrived, as it is where pictures take seconds.

import { setTimeout as sleep } from "node:timers/promises";
import { acknowledged, faster, taskOf } from "../../tests/edge/support/deliveries.js";
import { event, until } from "../../tests/edge/support/gateway.js";
import { metered } from "../../tests/edge/support/metering.js";

export const SHARDS = 16;
const STATUSES = ["queued", "processing", "completed"];
const TASKS = 1000;
const AT_ONCE = 16;

/** How long a lease may stand, and a little: whoever waits so long has seen every alarm run. */
const LEASE_MS = 32_000;

/** `{ name, about, bindings, run }`: `run` posts events and returns how many of them were different ones. */
export const CASES = [
  {
    name: "delivered at once",
    about: "1,000 tasks, as fast as they go; the backend answers 200.",
    run: (context) => busy(context),
  },
  {
    name: "a fifth are repeats",
    about: "The same, and every fourth event is posted twice.",
    run: (context) => busy(context, (nth) => nth % 4 === 0),
  },
  {
    name: "alone",
    about: "A task in each of 16 shards, and nothing else while an alarm is waited for.",
    run: alone,
  },
  {
    name: "alone, two failures",
    about: "The same; the backend fails twice for each event. The clock runs 100 times faster.",
    bindings: () => faster(100),
    run: failing,
  },
];

async function busy({ gateway, backend }, isRepeated = () => false) {
  for (const status of STATUSES) {
    const before = backend.received.length;
    for (let n = 0; n < TASKS; n += AT_ONCE) {
      const ids = Array.from({ length: Math.min(AT_ONCE, TASKS - n) }, (_, m) => `task_${n + m}`);
      const bodies = ids.map((id) => event(id, status));
      await acknowledged(gateway, ...bodies);
      await acknowledged(gateway, ...bodies.filter((_, m) => isRepeated(n + m)));
    }
    await until(() => backend.received.length === before + TASKS);
    await settled(gateway, 1000);
  }
  await settled(gateway, LEASE_MS);
  return TASKS * STATUSES.length;
}

/** A task of each shard. */
const oneEach = (prefix) =>
  Array.from({ length: SHARDS }, (_, shard) => taskOf(shard, SHARDS, prefix));

async function alone({ gateway }) {
  for (const status of STATUSES) {
    const { alarm_run } = await metered(gateway);
    await acknowledged(gateway, ...oneEach("task").map((id) => event(id, status)));
    await until(async () => (await metered(gateway)).alarm_run >= alarm_run + SHARDS);
    await settled(gateway, 1000);
  }
  return SHARDS * STATUSES.length;
}

async function failing({ gateway, backend }) {
  backend.answer = ({ headers, response }) => {
    response.writeHead(headers["x-vtryon-attempt"] === "3" ? 200 : 500).end();
  };
  for (const status of STATUSES) {
    const before = backend.received.length;
    await acknowledged(gateway, ...oneEach("task").map((id) => event(id, status)));
    await until(() => backend.received.length === before + 3 * SHARDS);
    await settled(gateway, LEASE_MS);
  }
  return SHARDS * STATUSES.length;
}

/** Brings every shard's stored form up to date, has it note how the endpoint fares, and waits for its alarm. */
export async function warmUp({ gateway, backend }) {
  await gateway.register(backend.url);
  await acknowledged(gateway, ...oneEach("warm").map((id) => event(id, "completed")));
  await until(() => backend.received.length === SHARDS);
  await settled(gateway, LEASE_MS);
}

/** Waits until nothing was billed for a while. */
async function settled(gateway, pause) {
  let before;
  let now = JSON.stringify(await metered(gateway));
  while (now !== before) {
    before = now;
    await sleep(pause);
    now = JSON.stringify(await metered(gateway));
  }
}
