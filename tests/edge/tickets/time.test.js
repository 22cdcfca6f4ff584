// The times of tickets: a minute for the ticket, five more after the end for what it has opened.
// A restart skips time: the clock of the tests' build is then ahead of this machine's.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged, ahead } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";
import { live } from "../support/live/streams.js";
import { refusal, TRANSPORTS, view } from "../support/live/subscriber.js";
import { ticketFor } from "../support/live/tickets.js";

const MINUTE = 1 / 60;

let gateway;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1", ...ahead(0) } });
});
after(() => gateway.stop());

/** How far the clock is ahead, in hours. */
let hours = 0;
async function skip(more) {
  hours += more;
  await gateway.halt();
  await gateway.restart(ahead(hours));
}

/** Opens a stream, reads it up to a message, and leaves it; returns the message's id. */
async function looked(transport, id, options, type = "snapshot") {
  const subscriber = await view(transport, gateway, live(id), options);
  const message = await subscriber.until(type);
  subscriber.cut();
  return message.id;
}

/** Insists that a ticket, or what it has opened, is good for nothing any more. */
async function isOver(transport, id, options) {
  assert.equal((await refusal(transport, gateway, live(id), options)).status, 401);
}

for (const transport of TRANSPORTS) {
  test(`${transport}: a ticket is good for a minute`, async () => {
    const ticket = await ticketFor(gateway, "task_minute");
    await skip(MINUTE / 6);
    await looked(transport, "task_minute", { ticket });
    await skip(MINUTE);
    await isOver(transport, "task_minute", { ticket });
  });

  test(`${transport}: resuming works until five minutes after the end`, async () => {
    const id = `task_end_${transport}`;
    const ticket = await ticketFor(gateway, id);
    const resume = await looked(transport, id, { ticket });
    await acknowledged(gateway, event(id, "queued"));
    await skip(10 * MINUTE);
    const next = await looked(transport, id, { ticket, resume }, "update");
    await acknowledged(gateway, event(id, "completed"));
    await skip(3 * MINUTE);
    const last = await looked(transport, id, { ticket, resume: next }, "update");
    await skip(2 * MINUTE);
    for (const token of [resume, next, last])
      await isOver(transport, id, { ticket, resume: token });
  });
}
