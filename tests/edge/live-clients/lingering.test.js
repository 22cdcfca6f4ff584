// Clients that never close a socket that the gateway has closed: they keep a connection, but not more and more of them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { within } from "../../support/wait.js";
import { event, Gateway, until } from "../support/gateway.js";
import { closeFrame, messageFrame } from "../support/live/frames.js";
import { live, opened } from "../support/live/streams.js";
import { refusal, TRANSPORTS } from "../support/live/subscriber.js";
import { ticketFor } from "../support/live/tickets.js";
import { upgrade } from "../support/raw.js";

/** In the place of the 16 closed sockets of one task that may linger. */
const LINGERING = 3;
const TEXT = messageFrame("x");
const CLOSE = closeFrame(1008);

let gateway;
before(async () => {
  gateway = await Gateway.start({
    build: "build-faults",
    bindings: { SHARDS: "1", LIMIT: String(LINGERING) },
  });
});
after(() => gateway.stop());

const ticketed = async (task) => ({
  "sec-websocket-protocol": `vtryon-live, ${await ticketFor(gateway, task)}`,
});

/** Opens a page's socket, makes the gateway close it, and leaves the Close unanswered. */
async function linger(t, task) {
  const { status, socket } = await upgrade(gateway, live(task), await ticketed(task));
  assert.equal(status, 101);
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  const closed = Promise.withResolvers();
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.includes(Buffer.from([0x03, 0xf0]))) closed.resolve();
  });
  socket.write(TEXT);
  await within("the gateway's Close", closed.promise);
  return socket;
}

async function lingering(t, task) {
  await gateway.post(event(task, "queued"));
  const sockets = [];
  while (sockets.length < LINGERING) sockets.push(await linger(t, task));
  return sockets;
}

/** Asks for one more page of a task: how it is answered, and when to come again. */
async function oneMore(task) {
  const { status, headers, socket } = await upgrade(gateway, live(task), await ticketed(task));
  socket?.destroy();
  return { status, again: headers["retry-after"] };
}
// The 429 of a task that is opened too often says 1 second.
const isFull = (task) => until(async () => (await oneMore(task)).again === "60");
const hasRoom = (task) => until(async () => (await oneMore(task)).status === 101);

const ENDINGS = {
  "break off": (socket) => socket.destroy(),
  "end their half": (socket) => socket.end(),
  "close at last": (socket) => socket.write(CLOSE),
};
for (const [what, end] of Object.entries(ENDINGS)) {
  test(`a task whose pages don't close has no more of them, until their clients ${what}`, async (t) => {
    const task = `task_lingering_${what.replaceAll(" ", "_")}`;
    const sockets = await lingering(t, task);
    await isFull(task);
    for (const transport of TRANSPORTS) {
      const ticket = await ticketFor(gateway, task);
      const { status, error, headers } = await refusal(transport, gateway, live(task), { ticket });
      assert.deepEqual([status, error], [429, "rate_limited"], transport);
      assert.equal(headers.get("retry-after"), "60");
    }
    const other = `${task}_other`;
    const ticket = await ticketFor(gateway, other);
    const page = await opened(t, "WebSocket", gateway, live(other), { ticket });
    await page.until("snapshot");
    for (const socket of sockets) end(socket);
    await hasRoom(task);
  });
}

test("a client that continues to send after the close is aborted, and no longer counts", async (t) => {
  const task = "task_lingering_sends";
  const sockets = await lingering(t, task);
  await isFull(task);
  const flood = Buffer.concat(Array(2048).fill(TEXT));
  await Promise.all(
    sockets.map(async (socket) => {
      const { promise, resolve } = Promise.withResolvers();
      // What is cut off may be reset before it is closed.
      socket.on("close", resolve);
      socket.write(flood);
      await within("the cut", promise);
    }),
  );
  await hasRoom(task);
});
