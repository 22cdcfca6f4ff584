// kill -9 between attempts and during them, of the Worker and of the alarm: every acknowledged event arrives at
// least once, always by the same id. Pauses of minutes pass in a second; leases are of this machine's time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ANSWERS, Backend } from "../support/backends/backend.js";
import { deliveries, faster } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";

const EVENTS = 24;

let gateway;
let backend;
before(async () => {
  const bindings = { SHARDS: "2", RETENTION_HOURS: "87600", ...faster(100) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  backend = await Backend.start();
  await gateway.register(backend.url);
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const acknowledged = [];
let rounds = 0;

/** Posts events, all at once; what is lost to a kill is not acknowledged. */
async function post(count) {
  rounds += 1;
  const posts = Array.from({ length: count }, async (_, n) => {
    const id = `task_${rounds}_${n}`;
    const answer = await gateway.post(event(id, "completed")).catch(() => undefined);
    if (answer?.status === 200) acknowledged.push(id);
    else assert.ok(answer === undefined || answer.status === 503, `answered ${answer?.status}`);
  });
  await Promise.all(posts);
}

/** The first attempts, or all but those. */
const first = ({ headers }) => headers["x-vtryon-attempt"] === "1";
const later = (exchange) => !first(exchange);
const firsts = () => backend.received.filter(first).length;

/** [at which moment the runtime dies, how to get there]; the backend is well until it fails, and gets all at once */
const MOMENTS = [
  [
    "while the Worker makes first attempts under its lease",
    async () => {
      backend.answer = "hang";
      await post(EVENTS);
      await until(() => firsts() >= EVENTS);
    },
  ],
  [
    "when the backend has it, but its answer is not there yet",
    async () => {
      const unanswered = [];
      backend.answer = (exchange) => unanswered.push(exchange);
      await post(EVENTS);
      await until(() => unanswered.filter(first).length >= EVENTS);
      for (const { response } of unanswered) response.end("ok");
    },
  ],
  [
    "when first attempts have failed, before the retries",
    async () => {
      backend.answer = "fail";
      const before = firsts();
      await post(EVENTS);
      await until(() => firsts() >= before + EVENTS);
    },
  ],
  [
    "while the alarm makes a retry",
    async () => {
      backend.answer = "fail";
      await post(2);
      const before = backend.received.length;
      backend.answer = (exchange) => ANSWERS[first(exchange) ? "fail" : "hang"](exchange);
      await until(() => backend.received.slice(before).some(later));
    },
  ],
  [
    "in the middle of a storm",
    async () => {
      backend.answer = "ok";
      const before = backend.received.length;
      const storm = post(10 * EVENTS);
      await until(() => backend.received.length >= before + EVENTS);
      return { storm };
    },
  ],
];

for (const [moment, reach] of MOMENTS) {
  test(`kill -9 ${moment}`, async () => {
    const before = acknowledged.length;
    // A storm goes on until it is cut off; all else has come to its moment.
    const rest = await reach();
    await gateway.crash();
    await rest?.storm;
    assert.ok(acknowledged.length > before);
  });
}

test("after all of them every acknowledged event has arrived, by its own id", async () => {
  backend.answer = "ok";
  const isDone = async () => (await deliveries(gateway, { state: "pending" })).length === 0;
  // First attempts to an endpoint that is failing come from the alarm, one after the other.
  await until(isDone, 240_000);
  const stored = await deliveries(gateway);
  const storedById = new Map(stored.map((each) => [each.task_id, each]));
  const sent = Map.groupBy(backend.received, ({ body }) => JSON.parse(body).task_id);
  for (const id of acknowledged) {
    const { state, webhook_id } = storedById.get(id);
    assert.deepEqual([id, state], [id, "delivered"]);
    const ids = sent.get(id).map(({ headers }) => headers["webhook-id"]);
    assert.deepEqual([...new Set(ids)], [webhook_id], id);
    assert.equal(String(sent.get(id)[0].body), event(id, "completed"));
  }
  const all = [...storedById.values()].map(({ webhook_id }) => webhook_id);
  assert.equal(new Set(all).size, all.length, "no two events have the same id");
});
