// One hostile client sends as fast as it can for 10 seconds: the events of the same shard don't wait for it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../../support/wait.js";
import { bearer } from "../support/api/caller.js";
import { event, Gateway, TOKEN } from "../support/gateway.js";
import { flood } from "../support/live/flooder.js";
import { live } from "../support/live/streams.js";
import { view } from "../support/live/subscriber.js";
import { ticketFor } from "../support/live/tickets.js";
import { upgrade } from "../support/raw.js";

const TASK = "task_flooded";
/** How long each measurement lasts, in milliseconds. */
const QUIET_MS = 3000;
const FLOOD_MS = 10_000;
/** Between two events, in milliseconds. */
const PAUSE_MS = 20;
/**
 * How many times slower an event may be than without the client, and what is never too slow, in milliseconds: by the
 * median, for a pause of seconds is the machine's. The hostile thread itself takes one of its cores, and other work may
 * have the rest. Without the limits, no event was answered before the flood was over.
 */
const FACTOR = 5;
const FLOOR_MS = FLOOD_MS / 4;

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
  assert.equal((await gateway.post(event(TASK, "queued"))).status, 200);
});
after(() => gateway.stop());

let nth = 0;
/** Posts events one after the other for so long; returns how long the one in the middle took, in milliseconds. */
async function median(ms) {
  const end = performance.now() + ms;
  const durations = [];
  while (performance.now() < end) {
    const begun = performance.now();
    const answer = gateway.post(event(`task_meanwhile_${nth++}`, "queued"));
    assert.equal((await within("the answer to an event", answer)).status, 200);
    durations.push(performance.now() - begun);
    await sleep(PAUSE_MS);
  }
  return durations.sort((a, b) => a - b)[durations.length >> 1];
}

function assertNotDelayed(t, quiet, flooded) {
  t.diagnostic(`an event: ${Math.round(quiet)} ms, ${Math.round(flooded)} ms beside the flood`);
  assert.ok(flooded <= Math.max(FLOOR_MS, FACTOR * quiet), `${flooded} ms, ${quiet} ms without`);
}

/** Measures the events without a hostile client and beside one; returns what became of the client. */
async function besideFlood(t, path, options) {
  const quiet = await median(QUIET_MS);
  const client = await flood(gateway, path, options);
  const flooded = await median(FLOOD_MS).finally(async () => {
    client.result = await client.stop();
  });
  t.diagnostic(`${client.result.sent} messages were sent`);
  assertNotDelayed(t, quiet, flooded);
  return client.result;
}

const ack = JSON.stringify({ type: "ack", id: "x" });
/** What the holder of a ticket may send at most: nothing. */
for (const [what, data] of Object.entries({
  acknowledgements: ack,
  pings: "ping",
  "empty texts": "",
  bytes: Buffer.from("ping"),
})) {
  test(`a page that sends ${what}, and goes on after the close`, async (t) => {
    const ticket = await ticketFor(gateway, TASK);
    const headers = { "sec-websocket-protocol": `vtryon-live, ${ticket}` };
    const { code, isCut } = await besideFlood(t, live(TASK), { headers, data });
    assert.deepEqual({ code, isCut }, { code: 1008, isCut: true });
  });
}

test("a page that has seen all there is, resumes, and goes on after the close", async (t) => {
  const id = "task_flooded_and_over";
  assert.equal((await gateway.post(event(id, "completed"))).status, 200);
  const page = await view("WebSocket", gateway, live(id), { ticket: await ticketFor(gateway, id) });
  const { id: resume } = await page.until("snapshot");
  assert.deepEqual(await page.ended(), { code: 1000 });
  const headers = { "sec-websocket-protocol": `vtryon-live, ${resume}` };
  const { code, isCut } = await besideFlood(t, live(id), { headers, data: "ping" });
  assert.deepEqual({ code, isCut }, { code: 1000, isCut: true });
});

const ADMIN = bearer(TOKEN);
/** what watches: its path, and what it sends */
const ADMINS = {
  "one shard": ["/api/live/0", '{"type":"ack","id":"1.1.0_1"}'],
  "one shard, pings": ["/api/live/0", "ping"],
  "one task": [live(TASK), '{"type":"ack","id":"1.1.0_1"}'],
  "all shards": ["/api/live", '{"type":"ack","id":"1.1.0_1"}'],
};
for (const [what, [path, data]] of Object.entries(ADMINS)) {
  test(`an administrator's socket of ${what}, that goes on after the close`, async (t) => {
    const { code, isCut } = await besideFlood(t, path, { headers: ADMIN, data });
    assert.deepEqual({ code, isCut }, { code: 1008, isCut: true });
  });
}

/** Asks for a socket, and leaves it at once; returns the answer's status and headers. */
async function knock(path, headers) {
  const answer = await upgrade(gateway, path, headers);
  answer.socket?.destroy();
  return answer;
}

test("a page that opens its socket repeatedly is limited", async (t) => {
  const id = "task_opened_often";
  const headers = { "sec-websocket-protocol": `vtryon-live, ${await ticketFor(gateway, id)}` };
  const quiet = await median(QUIET_MS);
  const begun = Date.now();
  const answers = [];
  let isOver = false;
  const hostile = async () => {
    while (!isOver) answers.push(await knock(live(id), headers));
  };
  const all = Promise.all(Array.from({ length: 8 }, hostile));
  const flooded = await median(FLOOD_MS).finally(() => {
    isOver = true;
  });
  await all;
  const opened = answers.filter(({ status }) => status === 101);
  const refused = answers.filter(({ status }) => status === 429);
  t.diagnostic(`${opened.length} were opened, ${refused.length} refused`);
  assertNotDelayed(t, quiet, flooded);
  assert.equal(opened.length + refused.length, answers.length);
  assert.ok(opened.length <= 128 + (2 * (Date.now() - begun)) / 1000 + 1);
  assert.equal(refused.at(-1).headers["retry-after"], "1");
});
