// Tickets that are no tickets: for another task, altered, of another kind, or not of this gateway.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, bearer, good } from "../support/api/caller.js";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway, TOKEN } from "../support/gateway.js";
import { live, ready } from "../support/live/streams.js";
import { refusal, TRANSPORTS, view } from "../support/live/subscriber.js";
import { TICKET_TOKEN, ticketFor } from "../support/live/tickets.js";

const TASK = "task_mine";
const SHOP = "https://shop.example";

let gateway;
before(async () => {
  gateway = await Gateway.start({
    bindings: { GATEWAY_TICKET_TOKEN: TICKET_TOKEN, TICKET_ORIGINS: SHOP },
  });
  await acknowledged(gateway, event(TASK, "queued"), event("task_other", "queued"));
});
after(() => gateway.stop());

/** Insists on 401, with the scheme of the path's other credentials (RFC 9110, 15.5.2). */
async function isRefused(transport, options, why, task = TASK) {
  const { status, error, headers } = await refusal(transport, gateway, live(task), options);
  const answer = [status, error, headers.get("www-authenticate")];
  assert.deepEqual(answer, [401, "unauthorized", "Bearer"], `${transport}: ${why}`);
}

/** A resume token of a task. */
async function token(t, task = TASK) {
  const ticket = await ticketFor(gateway, task);
  const subscriber = await view("WebSocket", gateway, live(task), { ticket });
  t.after(() => subscriber.cut());
  return (await subscriber.until("snapshot")).id;
}

for (const transport of TRANSPORTS) {
  test(`${transport}: of another task`, async (t) => {
    const other = await ticketFor(gateway, "task_other");
    await isRefused(transport, { ticket: other }, "ticket");
    const ticket = await ticketFor(gateway, TASK);
    await isRefused(transport, { ticket, resume: await token(t, "task_other") }, "resume token");
    // One of the two is not enough.
    await isRefused(transport, { ticket: other, resume: await token(t, "task_other") }, "both");
    for (const near of [`${TASK}x`, TASK.slice(0, -1), TASK.toUpperCase(), `${TASK} `]) {
      await isRefused(transport, { ticket }, near, near);
    }
  });

  test(`${transport}: with any of its characters altered, left out or added`, async (t) => {
    const ticket = await ticketFor(gateway, TASK);
    const resume = await token(t);
    for (const [name, whole] of Object.entries({ ticket, resume })) {
      const options = (text) =>
        name === "ticket" ? { ticket: text } : { ticket: "x", resume: text };
      for (let at = 0; at < whole.length; at++) {
        const other = whole[at] === "A" ? "B" : "A";
        const altered = whole.slice(0, at) + other + whole.slice(at + 1);
        await isRefused(transport, options(altered), `${name}, character ${at}`);
      }
      // The bits that the last character may have to spare are no second way to write the same.
      for (const last of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
        if (whole.endsWith(last)) continue;
        await isRefused(transport, options(whole.slice(0, -1) + last), `${name}, last ${last}`);
      }
      for (const text of [whole.slice(0, -1), whole.slice(1), `${whole}A`, `A${whole}`]) {
        await isRefused(transport, options(text), `${name}: ${text.length} characters`);
      }
    }
  });

  test(`${transport}: signed values that are not tickets`, async (t) => {
    const cursor = (await ready(t, "SSE", gateway, live(TASK))).last;
    for (const ticket of [good(), TOKEN, TICKET_TOKEN, cursor, "x", "~".repeat(4000)]) {
      await isRefused(transport, { ticket }, ticket.slice(0, 40));
    }
  });
}

test("a ticket or a resume token opens nothing but its task's stream", async (t) => {
  const ticket = await ticketFor(gateway, TASK);
  for (const secret of [ticket, await token(t)]) {
    for (const path of ["/api/tasks", `/api/tasks/${TASK}`, "/api/live"]) {
      const from = { "cf-connecting-ip": "198.51.100.7", authorization: "" };
      const asked = [
        gateway.api(`${path}?ticket=${secret}`, { headers: from }),
        gateway.api(path, { headers: { ...from, ...bearer(secret) } }),
      ];
      for (const { status } of await Promise.all(asked)) assert.equal(status, 401, path);
    }
    for (const transport of TRANSPORTS) {
      for (const path of ["/api/live", "/api/live/0"]) {
        const { status } = await refusal(transport, gateway, path, { ticket: secret });
        assert.equal(status, 401, `${transport} ${path}`);
      }
    }
  }
});

test("an administrator's parameters are not for the holder of a ticket", async () => {
  const ticket = await ticketFor(gateway, TASK);
  for (const query of [{ bodies: "1" }, { since: "1h" }]) {
    for (const transport of TRANSPORTS) {
      const { status } = await refusal(transport, gateway, live(TASK), { ticket, query });
      assert.equal(status, 400, `${transport} ${JSON.stringify(query)}`);
    }
  }
});

test("beside the protocol there must be exactly one ticket, and it is used", async () => {
  const ticket = await ticketFor(gateway, TASK);
  const other = await ticketFor(gateway, "task_other");
  for (const protocols of [["vtryon-live"], ["other", ticket], ["vtryon-live", other, ticket]]) {
    const options = { ticket, protocols };
    await isRefused("WebSocket", options, protocols.map((text) => text.slice(0, 12)).join());
  }
});

test("a resume token in the query is refused, whatever comes beside it", async (t) => {
  const ticket = await ticketFor(gateway, TASK);
  const resume = await token(t);
  const accept = { accept: "text/event-stream" };
  // A page of another origin may read why.
  const origin = { origin: SHOP };
  for (const [query, headers] of [
    [{ ticket: resume }, {}],
    [{ ticket: resume }, { "last-event-id": resume }],
    [
      [
        ["ticket", ticket],
        ["ticket", resume],
      ],
      {},
    ],
  ]) {
    const path = `${live(TASK)}?${new URLSearchParams(query)}`;
    const answer = await ask(gateway, path, { headers: { ...accept, ...origin, ...headers } });
    assert.deepEqual([answer.status, answer.error], [400, "invalid_request"]);
    assert.match(answer.message, /last-event-id/);
    assert.equal(answer.headers.get("access-control-allow-origin"), SHOP);
  }
  for (const protocols of [[], ["vtryon-live", ticket], ["vtryon-live", resume]]) {
    const options = { query: { ticket: resume }, headers: {}, protocols };
    const { status, error } = await refusal("WebSocket", gateway, live(TASK), options);
    assert.deepEqual([status, error], [400, "invalid_request"], `${protocols.length} protocols`);
  }
});

test("under another master key, all tickets are void", async (t) => {
  const ticket = await ticketFor(gateway, TASK);
  const resume = await token(t);
  await gateway.halt();
  await gateway.restart({ GATEWAY_MASTER_KEY: "f0".repeat(32) });
  for (const transport of TRANSPORTS) {
    await isRefused(transport, { ticket }, "ticket");
    await isRefused(transport, { ticket: await ticketFor(gateway, TASK), resume }, "resume token");
  }
});
