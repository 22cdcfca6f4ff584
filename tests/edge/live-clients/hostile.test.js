// Whoever is let in may send anything, and open as much as it likes: events of its shard are acknowledged.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { messageFrame } from "../support/live/frames.js";
import { live, opened } from "../support/live/streams.js";
import { ticketFor } from "../support/live/tickets.js";
import { upgrade } from "../support/raw.js";

/** Of one shard everything is everybody's neighbour. */
const SHARDS = 1;
const TASK = "task_hostile";
/** How many pages may show one task at the same time. */
const PAGES = 100;

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: String(SHARDS) } });
  await acknowledged(gateway, event(TASK, "queued"));
});
after(() => gateway.stop());

/** An acknowledgement by its type and id, with so many members beside: 60,000 of them have 540 KB. */
function largeAck(id, members) {
  const more = Array.from({ length: members }, (_, n) => `"${String(n).padStart(5, "0")}":0`);
  return `{"type":"ack","id":"${id}",${more.join()}}`;
}
const MEMBERS = 60_000;

/** what watches: its path, and whether it has a ticket */
const SOCKETS = {
  "a page": [live(TASK), true],
  "one shard": ["/api/live/0"],
  "one task": [live(TASK)],
  "all shards": ["/api/live"],
};
for (const [what, [path, isPage]] of Object.entries(SOCKETS)) {
  test(`${what}: a large acknowledgement closes it with 1008, and an event meanwhile is acknowledged`, async (t) => {
    const options = isPage ? { ticket: await ticketFor(gateway, TASK) } : { acks: false };
    const subscriber = await opened(t, "WebSocket", gateway, path, options);
    const { id } = await subscriber.until(isPage ? "snapshot" : "ready");
    subscriber.send(largeAck(id, MEMBERS));
    await acknowledged(gateway, event(`task_meanwhile_${what}`, "queued"));
    assert.deepEqual(await subscriber.ended(), { code: 1008 });
  });
}

test("a large acknowledgement after the close, by one that does not answer it", async (t) => {
  const headers = { "sec-websocket-protocol": `vtryon-live, ${await ticketFor(gateway, TASK)}` };
  const { status, socket } = await upgrade(gateway, live(TASK), headers);
  assert.equal(status, 101);
  t.after(() => socket.destroy());
  const chunks = [];
  const received = async (part) => {
    const isThere = () => Buffer.concat(chunks).includes(part);
    await until(() => isThere() || socket.destroyed);
    assert.ok(isThere(), `closed without ${String(part)}`);
  };
  socket.on("data", (chunk) => chunks.push(chunk));
  // The gateway may well cut it off.
  socket.on("error", () => {});
  await received("snapshot");
  socket.write(messageFrame("junk"));
  // A close frame with 1008.
  await received(Buffer.from([0x03, 0xf0]));
  await new Promise((sent) => socket.write(messageFrame(largeAck("x", MEMBERS)), sent));
  for (let nth = 0; nth < 10; nth++) {
    await acknowledged(gateway, event(`task_after_the_close_${nth}`, "queued"));
  }
});

test(`more than ${PAGES} pages of one task close the first ones`, async (t) => {
  const id = "task_of_many_pages";
  await acknowledged(gateway, event(id, "queued"));
  const ticket = await ticketFor(gateway, id);
  const page = async () => {
    const subscriber = await opened(t, "WebSocket", gateway, live(id), { ticket });
    await subscriber.until("snapshot");
    return subscriber;
  };
  const pages = [];
  while (pages.length < PAGES) pages.push(await page());
  const other = await opened(t, "WebSocket", gateway, live(TASK), {
    ticket: await ticketFor(gateway, TASK),
  });
  await other.until("snapshot");
  const admin = await opened(t, "WebSocket", gateway, live(id));
  await admin.until("ready");
  // Neither another task's pages are counted nor the administrator's sockets.
  for (const { end } of pages) assert.equal(end, undefined);
  pages.push(await page(), await page());
  const [first, second, ...left] = pages;
  assert.deepEqual([await first.ended(), await second.ended()], [{ code: 1013 }, { code: 1013 }]);

  await acknowledged(gateway, event(id, "processing"), event(TASK, "processing"));
  const isUpdate = ({ type, task }) => type === "update" && task.status === "processing";
  for (const subscriber of [...left, other]) await subscriber.until(isUpdate);
  assert.equal((await admin.until("event")).status, "processing");
  // The first one resumes from its last message, and another socket is closed for it.
  const again = await opened(t, "WebSocket", gateway, live(id), { ticket, resume: first.last });
  await again.until(isUpdate);
  assert.deepEqual(await left[0].ended(), { code: 1013 });
});
