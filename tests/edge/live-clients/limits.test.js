// What clients of live updates may do, and how often: what goes beyond is refused before it costs a shard anything.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, bearer, cookie } from "../support/api/caller.js";
import { acknowledged, named, taskOf } from "../support/deliveries.js";
import { event, Gateway, TOKEN, until } from "../support/gateway.js";
import { live, opened, ready } from "../support/live/streams.js";
import { refusal, TRANSPORTS } from "../support/live/subscriber.js";
import { ticketFor } from "../support/live/tickets.js";
import { metered, since } from "../support/metering.js";

const SHARDS = 2;
const TASK = taskOf(0, SHARDS, "task_limits");
/** How many messages a client may send at once, beside those that it may acknowledge. */
const BURST = 512;
/** How many events are posted at the same time. */
const AT_ONCE = 16;
/** In the place of the 5000 pages that may watch a shard. */
const PAGES = 3;

let gateway;
before(async () => {
  const bindings = { SHARDS: String(SHARDS), LIMIT: String(PAGES) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  await acknowledged(gateway, event(TASK, "queued"));
});
after(() => gateway.stop());

const PATHS = [
  ["one shard", "/api/live/0", [0]],
  ["one task", live(TASK), [0]],
  ["all shards", "/api/live", [0, 1]],
];
for (const [what, path, shards] of PATHS) {
  test(`${what}: a client that sends far more than it receives is closed with 1008`, async (t) => {
    const subscriber = await ready(t, "WebSocket", gateway, path, { shards });
    const other = await ready(t, "WebSocket", gateway, path, { shards });
    for (let nth = 0; nth < BURST / 2; nth++) subscriber.ack();
    subscriber.send("ping");
    await subscriber.holds(({ pongs, end }) => pongs === 1 || end);
    assert.equal(subscriber.end, undefined, "as yet it may");
    for (let nth = 0; nth < BURST; nth++) subscriber.ack();
    assert.deepEqual(await subscriber.ended(), { code: 1008 });
    assert.equal(other.end, undefined, "nobody else is closed");
  });

  test(`${what}: a client that acknowledges each message is never closed`, async (t) => {
    const subscriber = await ready(t, "WebSocket", gateway, path, { shards });
    const isNew = ({ event }) => event?.startsWith("task.note");
    let taken = 0;
    for (let posted = 0; posted < BURST + 128; posted += AT_ONCE) {
      const names = Array.from(
        { length: AT_ONCE },
        (_, nth) => `task.note_${posted + nth}_${what}`,
      );
      await acknowledged(gateway, ...names.map((name) => named(name.replaceAll(" ", "_"), TASK)));
      await subscriber.holds(({ messages }) => messages.filter(isNew).length === posted + AT_ONCE);
      for (; taken < subscriber.messages.length; taken++) {
        const { id } = subscriber.messages[taken];
        if (id !== undefined) subscriber.ack(id);
      }
    }
    subscriber.send("ping");
    await subscriber.holds(({ pongs, end }) => pongs > 0 || end);
    assert.equal(subscriber.end, undefined);
  });
}

test("a page may send nothing: each kind of message closes it with 1008", async (t) => {
  const MESSAGES = {
    "an acknowledgement": '{"type":"ack","id":"x"}',
    "a ping": "ping",
    "an empty text": "",
    bytes: Buffer.from("ping"),
    "no bytes": Buffer.alloc(0),
    "a large text": "x".repeat(2 * 1024 * 1024),
  };
  for (const [what, message] of Object.entries(MESSAGES)) {
    const page = await pageOf(t, TASK);
    const { id } = await page.until("snapshot");
    const before = await metered(gateway);
    page.send(message === MESSAGES["an acknowledgement"] ? message.replace("x", id) : message);
    assert.deepEqual(await page.ended(), { code: 1008 }, what);
    const { shard_request, socket_message } = since(before, await metered(gateway));
    assert.deepEqual([shard_request, socket_message], [0, 0], what);
  }
  assert.ok(!(await gateway.wholeLog()).includes("live:"), "nothing of it reached a shard");
});

/** Opens a page as soon as there is room: the gateway counts a closed one until its close event has reached the shard. */
async function pageOf(t, id, ticket) {
  return until(async () => {
    const options = { ticket: ticket ?? (await ticketFor(gateway, id)) };
    return opened(t, "WebSocket", gateway, live(id), options).catch((error) => {
      if (error.status !== 503) throw error;
    });
  });
}

test("pages of a shard are bounded: one more is answered 503, until one is closed", async (t) => {
  const task = (nth, shard = 0) => taskOf(shard, SHARDS, `task_page_${nth}`);
  const pages = [];
  while (pages.length < PAGES) pages.push(await pageOf(t, task(0)));
  for (const transport of TRANSPORTS) {
    const ticket = await ticketFor(gateway, task(1));
    const { status, error, headers } = await refusal(transport, gateway, live(task(1)), { ticket });
    assert.deepEqual([status, error], [503, "unavailable"], transport);
    assert.match(headers.get("retry-after"), /^\d+$/);
  }
  // Neither another shard's pages are counted nor an administrator's sockets, and nobody has to go.
  await (await pageOf(t, task(2, 1))).until("snapshot");
  await ready(t, "WebSocket", gateway, live(task(1)));
  for (const { end } of pages) assert.equal(end, undefined);
  await pages[0].close();
  await (await pageOf(t, task(1))).until("snapshot");
});

/** name: a request without a credential, or with a ticket, that is refused: path, headers, and the answer */
const STREAM = { accept: "text/event-stream" };
const IN_VAIN = {
  "a stream without credentials": ["/api/live", STREAM, 401],
  "a shard's stream without credentials": ["/api/live/0", STREAM, 401],
  "a task's stream without credentials": [live(TASK), STREAM, 401],
  "a stream by a wrong token": ["/api/live", { ...STREAM, ...bearer("wrong") }, 401],
  "a stream by a wrong session": ["/api/live", { ...STREAM, ...cookie("1.0") }, 401],
  "the number of shards without credentials": ["/api/live", {}, 401],
  "a snapshot without credentials": [`/api/tasks/${TASK}`, {}, 401],
  "a wrong ticket": [`${live(TASK)}?ticket=t1.9.7.0`, STREAM, 401],
  "a wrong resume token": [live(TASK), { ...STREAM, "last-event-id": "r1.9.9.7.0" }, 401],
  "a ticket with a parameter": [(ticket) => `${live(TASK)}?ticket=${ticket}&bodies=1`, STREAM, 400],
  "a ticket without a stream": [(ticket) => `${live(TASK)}?ticket=${ticket}`, {}, 400],
  "a ticket for another task": [(ticket) => `${live("task_x")}?ticket=${ticket}`, STREAM, 401],
  "a ticket from a foreign page": [
    (ticket) => `${live(TASK)}?ticket=${ticket}`,
    { ...STREAM, origin: "https://evil.example" },
    403,
  ],
  "a resume token in the query": [(_, token) => `${live(TASK)}?ticket=${token}`, STREAM, 400],
};
for (const [name, [path, headers, expected]] of Object.entries(IN_VAIN)) {
  test(`nothing reaches a shard: ${name}`, async (t) => {
    const ticket = await ticketFor(gateway, TASK);
    const page = await pageOf(t, TASK, ticket);
    const { id } = await page.until("snapshot");
    await page.close();
    const target = typeof path === "string" ? path : path(ticket, id);
    const before = await metered(gateway);
    const { status } = await ask(gateway, target, { headers });
    const { shard_request, directory_request } = since(before, await metered(gateway));
    assert.deepEqual([status, shard_request, directory_request], [expected, 0, 0]);
  });
}

test("nothing reaches a shard: OPTIONS, HEAD, and the making of tickets", async () => {
  const ticket = await ticketFor(gateway, TASK);
  const before = await metered(gateway);
  const asked = [
    ["OPTIONS", live(TASK), {}],
    ["OPTIONS", live("task_x".repeat(1000)), {}],
    ["OPTIONS", "/api/live", {}],
    ["HEAD", `${live(TASK)}?ticket=${ticket}`, STREAM],
    ["HEAD", "/api/live", { ...STREAM, ...bearer(TOKEN) }],
  ];
  for (const [method, path, headers] of asked) await ask(gateway, path, { method, headers });
  for (let nth = 0; nth < 20; nth++) await ticketFor(gateway, `task_many_${nth}`);
  const { shard_request, directory_request } = since(before, await metered(gateway));
  assert.deepEqual([shard_request, directory_request], [0, 0]);
});
