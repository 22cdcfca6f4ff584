// Tickets: who gets one, what it opens, and what it shows.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, bearer, cookie, elsewhere, good, JSON_TYPE } from "../support/api/caller.js";
import { MISSING, OPERATIONS } from "../support/api/document.js";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway, TOKEN } from "../support/gateway.js";
import { live } from "../support/live/streams.js";
import { refusal, TRANSPORTS, view } from "../support/live/subscriber.js";
import { mint, TICKET_TOKEN, ticketFor } from "../support/live/tickets.js";

let gateway;
const issued = [];
before(async () => {
  gateway = await Gateway.start({ bindings: { GATEWAY_TICKET_TOKEN: TICKET_TOKEN } });
});
after(() => gateway.stop());

/** A ticket for a task, remembered for the last test. */
async function ticketOf(id) {
  const ticket = await ticketFor(gateway, id);
  issued.push(ticket);
  return ticket;
}

async function opened(t, transport, id, options) {
  const subscriber = await view(transport, gateway, live(id), options);
  t.after(() => subscriber.cut());
  return subscriber;
}

/** name: [who asks, the answer's status] */
const ASKERS = {
  "the administrator": [bearer(TOKEN), 201],
  "the shop's backend": [bearer(TICKET_TOKEN), 201],
  "a session": [{ ...cookie(good()), "x-requested-with": "test" }, 201],
  "a form of another site": [cookie(good()), 403],
  nobody: [{}, 401],
  "a wrong token": [bearer("wrong"), 401],
  "a token cut short": [bearer(TICKET_TOKEN.slice(0, -1)), 401],
  "no token": [{ authorization: "Bearer " }, 401],
};
for (const [name, [headers, expected]] of Object.entries(ASKERS)) {
  test(`${name}: ${expected}`, async () => {
    const from = { "cf-connecting-ip": elsewhere() };
    const { status, body } = await mint(gateway, { task_id: "task_new" }, { ...headers, ...from });
    assert.equal(status, expected);
    if (status !== 201) return;
    assert.deepEqual(Object.keys(body).sort(), ["expires_at", "task_id", "ticket"]);
    assert.equal(body.task_id, "task_new");
    const left = Date.parse(body.expires_at) - Date.now();
    assert.ok(left > 0 && left <= 60_000, `${left} ms`);
    // It has to fit where the browser puts it.
    assert.match(body.ticket, /^[\w.~!#$%&'*+^`|-]+$/);
  });
}

for (const json of [
  {},
  [],
  { task_id: "" },
  { task_id: 7 },
  { task_id: null },
  { task_id: "." },
  { task_id: "x".repeat(257) },
  { task_id: "a\nb" },
  { task_id: "a", scope: "admin" },
]) {
  test(`no ticket for ${JSON.stringify(json).slice(0, 40)}`, async () => {
    const { status, body } = await mint(gateway, json);
    assert.deepEqual([status, body.error], [400, "invalid_request"]);
  });
}

/** All that an administrator may do, but for tickets themselves. */
const OTHERS = OPERATIONS.filter(({ id, path, isOpen }) => {
  return path.startsWith("/api/") && path !== "/api/session" && !isOpen && id !== "createTicket";
});
for (const operation of OTHERS) {
  test(`the token for tickets is good for nothing else: ${operation.id}`, async () => {
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => MISSING[name] ?? "0");
    const { method } = operation;
    const body = ["POST", "PATCH"].includes(method) ? "{}" : undefined;
    const headers = { ...bearer(TICKET_TOKEN), ...JSON_TYPE, "x-requested-with": "test" };
    const { status, error } = await ask(gateway, path, { method, headers, body });
    assert.deepEqual([status, error], [403, "forbidden"]);
  });
}

test("the token for tickets opens no session and no stream", async () => {
  const headers = bearer(TICKET_TOKEN);
  const session = await ask(gateway, "/api/session", { method: "POST", headers });
  assert.ok([401, 403].includes(session.status));
  assert.equal(session.cookie, null);
  for (const transport of TRANSPORTS) {
    for (const path of ["/api/live", "/api/live/0", live("task_new")]) {
      assert.equal((await refusal(transport, gateway, path, { headers })).status, 403, path);
    }
  }
});

test("without a token for tickets there are no tickets", async (t) => {
  const other = await Gateway.start();
  t.after(() => other.stop());
  for (const token of [TICKET_TOKEN, "", "undefined"]) {
    assert.equal((await mint(other, { task_id: "task" }, bearer(token))).status, 401);
  }
  assert.equal((await mint(other, { task_id: "task" })).status, 201);
});

const NOTHING = { status: null, result_url: null, failure: null };
const URL = "https://cdn.example/1.png";

for (const transport of TRANSPORTS) {
  const end = transport === "SSE" ? {} : { code: 1000 };

  test(`${transport}: each change of status, and nothing else of the task`, async (t) => {
    const id = `task_${transport}`;
    const subscriber = await opened(t, transport, id, { ticket: await ticketOf(id) });
    const { task } = await subscriber.until("snapshot");
    assert.deepEqual(task, { task_id: id, ...NOTHING, seq: task.seq });
    assert.ok(task.seq === null || task.seq === 0);
    const bodies = [
      event(id, "paused"),
      event(id, "processing"),
      event(id, "queued"),
      event(id, "processing"),
      JSON.stringify({ event: "generation.rated", task_id: id, status: "secret" }),
      event("task_else", "completed"),
    ];
    for (const body of bodies) await acknowledged(gateway, body);
    // A subscriber gets the state at the time of sending, so the test waits for each change.
    await subscriber.until("update");
    await acknowledged(gateway, event(id, "completed", { data: { result_url: URL } }));
    assert.deepEqual(await subscriber.ended(), end);
    await acknowledged(gateway, event(id, "failed", { error: { message: "conflict" } }));
    const { events } = (await gateway.api(`/api/tasks/${id}`)).body;
    const seqs = events.filter(({ outcome }) => outcome === "applied").map(({ seq }) => seq);
    assert.deepEqual(
      subscriber.messages.slice(1).map(({ type, task }) => [type, task]),
      [
        ["update", { task_id: id, ...NOTHING, status: "processing", seq: seqs[0] }],
        ["update", { task_id: id, ...NOTHING, status: "completed", result_url: URL, seq: seqs[1] }],
      ],
    );

    // Whoever comes when it is over sees that, and how it ended first.
    const late = await opened(t, transport, id, { ticket: await ticketOf(id) });
    assert.deepEqual(await late.ended(), end);
    const [snapshot, ...rest] = late.messages;
    assert.deepEqual(
      [snapshot.task.status, snapshot.task.result_url, rest],
      ["completed", URL, []],
    );
  });

  test(`${transport}: a failure has its message`, async (t) => {
    const id = `task_failed_${transport}`;
    const subscriber = await opened(t, transport, id, { ticket: await ticketOf(id) });
    await acknowledged(gateway, event(id, "failed", { error: { message: "no person", code: 7 } }));
    const { task } = await subscriber.until("update");
    const failure = { message: "no person" };
    assert.deepEqual(
      { ...task, seq: 0 },
      { task_id: id, ...NOTHING, status: "failed", failure, seq: 0 },
    );
  });

  test(`${transport}: resumes where it was disconnected`, async (t) => {
    const id = `task_resumed_${transport}`;
    const ticket = await ticketOf(id);
    const first = await opened(t, transport, id, { ticket });
    await first.until("snapshot");
    await acknowledged(gateway, event(id, "queued"));
    await first.until("update");
    first.cut();
    const [before, after] = first.messages.map(({ id }) => id);
    issued.push(before, after);
    await acknowledged(gateway, event(id, "processing"));
    const then = await opened(t, transport, id, { ticket, resume: after });
    await then.until("update");
    await acknowledged(gateway, event(id, "completed"));
    assert.deepEqual(await then.ended(), end);
    const updates = ({ messages }) => messages.map(({ type, task }) => `${type} ${task.status}`);
    assert.deepEqual(updates(then), ["update processing", "update completed"]);
    // From the snapshot on, all of them are new, or the last one is: a subscriber shows how it stands.
    const all = await opened(t, transport, id, { ticket, resume: before });
    assert.deepEqual(await all.ended(), end);
    assert.equal(updates(all).at(-1), "update completed");
    assert.equal(updates(all).includes("snapshot completed"), false);
  });

  test(`${transport}: a ticket may be used again within its time`, async (t) => {
    const id = `task_again_${transport}`;
    const ticket = await ticketOf(id);
    for (const _ of [1, 2]) {
      const subscriber = await opened(t, transport, id, { ticket });
      await subscriber.until("snapshot");
    }
  });
}

test("SSE: after the end, a browser gets 204 and does not reconnect", async (t) => {
  const id = "task_over";
  const ticket = await ticketOf(id);
  const subscriber = await opened(t, "SSE", id, { ticket });
  await acknowledged(gateway, event(id, "completed"));
  assert.deepEqual(await subscriber.ended(), {});
  for (const _ of [1, 2]) {
    const answer = await refusal("SSE", gateway, live(id), { ticket, resume: subscriber.last });
    assert.deepEqual([answer.status, answer.text], [204, ""]);
  }
});

test("WebSocket: the protocol is selected, and the ticket is not sent back", async (t) => {
  const ticket = await ticketOf("task_protocol");
  const subscriber = await opened(t, "WebSocket", "task_protocol", { ticket });
  assert.equal(subscriber.protocol, "vtryon-live");
  assert.ok(!JSON.stringify([...subscriber.headers]).includes(ticket));
});

test("nothing that opens a stream is in the log", async () => {
  assert.ok(issued.length > 0);
  const log = await gateway.wholeLog();
  for (const secret of [TICKET_TOKEN, ...issued]) assert.ok(!log.includes(secret));
});
