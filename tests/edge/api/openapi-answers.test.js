// Every answer that the API's document names is given, and every answer that is given fits the document.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { emitted } from "../../support/wait.js";
import { AUD } from "../support/api/access-team.js";
import { bearer, cookie, good, JSON_TYPE } from "../support/api/caller.js";
import { call, callRaw, MISSING, OPERATIONS, seen } from "../support/api/document.js";
import { BEYOND, CONFLICTS, INVALID, long, TAKEN } from "../support/api/openapi-invalid.js";
import { Backend } from "../support/backends/backend.js";
import { event, Gateway, sign, TOKEN, until } from "../support/gateway.js";
import { TICKET_TOKEN } from "../support/live/tickets.js";
import { END } from "../support/raw.js";

let gateway;
let backend;
before(async () => {
  backend = await Backend.start();
  // As deployed: all that is fetched from a public host goes to the backend.
  const { host } = new URL(backend.url);
  backend.url = "https://shop.example/hook";
  gateway = await Gateway.start({
    bindings: {
      SHARDS: "2",
      GATEWAY_TICKET_TOKEN: TICKET_TOKEN,
      ALLOW_INSECURE_ENDPOINTS: undefined,
      // The runtime reads up to 64 KiB of a body that is refused. With more it resets the connection.
      MAX_BODY_BYTES: "16384",
    },
    outbound: { external: { address: host, http: {} } },
  });
  // The one that INVALID names; it takes nothing.
  await gateway.register(backend.url, { events: ["none"] });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

/** Calls an operation and returns the body of its answer, which has to be of that status. */
async function answer(status, id, request) {
  const { status: given, body } = await call(gateway, id, request);
  assert.equal(given, status, `${id}: ${JSON.stringify(body)}`);
  return body;
}

/** Posts an event as Vtryon does. */
const post = (body) => answer(200, "receiveEvent", signed(body));
const signed = (body) => ({ body, headers: { "x-vtryon-signature": sign(body) } });

const ADMINS = OPERATIONS.filter(
  ({ path, isOpen }) => /^\/api(\/(?!session$)|$)/.test(path) && !isOpen,
);

test("without a credential: 401, and 429 after too many; forbidden operations, and changes without the header: 403", async () => {
  for (const [nth, { id, method }] of ADMINS.entries()) {
    const from = `198.51.100.${nth}`;
    const anonymous = { headers: { authorization: "Bearer wrong" }, from };
    for (let guess = 0; guess < 10; guess++) await answer(401, id, anonymous);
    await answer(429, id, anonymous);
    if (id !== "createTicket") {
      await answer(403, id, { headers: { authorization: `Bearer ${TICKET_TOKEN}` } });
    }
    if (method === "GET") continue;
    const browser = { authorization: "", ...cookie(good()) };
    await answer(403, id, { headers: browser });
    const { status } = await call(gateway, id);
    await answer(status, id, { headers: { ...browser, "x-requested-with": "test" } });
  }
});

test("sessions", async () => {
  const anybody = { authorization: "" };
  const headers = { ...anybody, ...JSON_TYPE };
  await answer(204, "openSession");
  await answer(204, "openSession", { headers, json: { token: TOKEN } });
  await answer(400, "openSession", { headers, json: {} });
  await answer(403, "openSession", { headers: anybody, json: { token: TOKEN } });
  await answer(400, "openSession", { headers, json: { token: TOKEN, scope: "all" } });
  await answer(400, "openSession", { headers, json: { token: long(513) } });
  await answer(400, "openSession", { json: { token: 7 }, headers: JSON_TYPE });
  await answer(413, "openSession", { headers, body: " ".repeat(8193) });
  const from = "198.51.100.255";
  for (let guess = 0; guess < 10; guess++) {
    await answer(401, "openSession", { headers, json: { token: "wrong" }, from });
  }
  await answer(429, "openSession", { headers, json: { token: "wrong" }, from });
  await answer(204, "closeSession");
});

test("events, tasks, results and the quarantine", async () => {
  await answer(200, "getHealth");
  await answer(200, "getVersion");
  const data = { result_url: "https://cdn.example/1.png" };
  for (const status of ["queued", "paused", "processing", "queued", "completed", "failed"]) {
    await post(event("task_1", status, status === "completed" ? { data } : {}));
  }
  await post(event("task_2", "failed", { error: { message: "no person in the picture" } }));
  await post(event("task_3", "paused"));
  await post(JSON.stringify({ event: "generation.rated", task_id: "task_3" }));
  // Signed but unreadable: they are acknowledged, though the document allows no such request.
  for (const body of ['{"event":', "[1]", '{"task_id":"a","task_id":"b"}'])
    await gateway.post(body);
  await answer(401, "receiveEvent", { body: "{}" });
  await answer(413, "receiveEvent", signed(long(16_385)));

  const task = await answer(200, "getTask", { path: { task_id: "task_1" } });
  assert.deepEqual([task.status, task.conflict, task.events.length], ["completed", true, 5]);
  for (const task_id of ["task_2", "task_3"]) await answer(200, "getTask", { path: { task_id } });
  for (const task_id of ["task_1", "task_2"]) await answer(200, "getResult", { path: { task_id } });
  await until(async () => (await (await gateway.kv()).list()).keys.length === 2);
  await answer(200, "getResult", { path: { task_id: "task_1" } });

  const { cursor } = await answer(200, "listTasks", { query: { limit: "1" } });
  const rest = await answer(200, "listTasks", { query: { limit: "100", cursor } });
  assert.equal(rest.tasks.length, 2);
  for (const query of [{ status: "completed" }, { stalled: "0s" }, { stalled: "30m" }]) {
    await answer(200, "listTasks", { query });
  }
  const { quarantine } = await answer(200, "listQuarantine", { query: { limit: "2" } });
  assert.equal(quarantine.length, 2);
  assert.match(await answer(200, "getMetrics"), /^vtryon_webhooks_events_total\{.*\} \d+$/m);
  await answer(200, "getDocument");
});

const INPUT = {
  events: ["generation.status_changed"],
  include: ["unknown", "quarantined"],
};

test("endpoints", async () => {
  const json = {
    url: backend.url,
    description: "shop",
    order: "all",
    statuses: ["queued"],
    ...INPUT,
  };
  const { id } = await answer(201, "createEndpoint", { json });
  const path = { endpoint_id: id };
  await answer(200, "rotateSecret", { path, json: { overlap_hours: 168 } });
  assert.equal((await answer(200, "getEndpoint", { path })).secrets.length, 2);
  await answer(200, "retireSecret", { path });
  await answer(200, "changeEndpoint", { path, json: { enabled: false } });
  await answer(409, "testEndpoint", { path });
  await answer(409, "replayRange", { json: { endpoint: id } });
  const { endpoints } = await answer(200, "listEndpoints");
  assert.equal(endpoints.at(-1).disabled.reason, "administrator");
  await answer(200, "deleteEndpoint", { path });
});

test("alert destinations", async () => {
  const json = { url: backend.url, format: "slack", events: ["gateway.delivery_dead"] };
  const { id } = await answer(201, "createAlertDestination", { json });
  const path = { destination_id: id };
  await answer(200, "testAlertDestination", { path });
  await answer(200, "rotateAlertSecret", { path, json: { overlap_hours: 168 } });
  assert.equal((await answer(200, "getAlertDestination", { path })).secrets.length, 2);
  await answer(200, "retireAlertSecret", { path });
  await answer(400, "changeAlertDestination", { path, json: { order: "all" } });
  await answer(400, "rotateAlertSecret", { path, json: { hours: 1 } });
  await answer(200, "changeAlertDestination", { path, json: { enabled: false } });
  await answer(409, "testAlertDestination", { path });
  const { destinations, alerts } = await answer(200, "listAlerts");
  assert.equal(destinations.at(-1).disabled.reason, "administrator");
  assert.equal(destinations.at(-1).url, new URL(backend.url).origin, "the rest is a credential");
  assert.ok(alerts.some(({ cause }) => cause === "endpoint_created"));
  for (let nth = 1; nth < 5; nth++) await answer(201, "createAlertDestination", { json });
  await answer(409, "createAlertDestination", { json });
  for (const { id } of (await answer(200, "listAlerts")).destinations)
    await answer(200, "deleteAlertDestination", { path: { destination_id: id } });
});

test("no more than 20 endpoints", async () => {
  const made = [];
  for (let nth = 0; nth < 19; nth++) {
    const { id } = await answer(201, "createEndpoint", { json: { url: `${backend.url}/${nth}` } });
    made.push(id);
  }
  await answer(409, "createEndpoint", { json: { url: backend.url } });
  for (const endpoint_id of made) await answer(200, "deleteEndpoint", { path: { endpoint_id } });
});

/** Waits until a listing has a delivery whose last attempt is as it should be. */
const attempted = (query, fits = () => true) =>
  until(async () => {
    const { deliveries } = await answer(200, "listDeliveries", { query });
    return deliveries.find(({ attempts }) => attempts.length > 0 && fits(attempts[0]));
  });

test("deliveries and replays", async () => {
  const { id: endpoint } = await answer(201, "createEndpoint", {
    json: { url: backend.url, ...INPUT },
  });
  const path = { endpoint_id: endpoint };
  assert.equal((await answer(200, "testEndpoint", { path })).state, "delivered");
  await post(event("task_4", "queued"));
  await gateway.post("[2]");
  for (const [how, task_id, fits] of [
    ["fail", "task_5", ({ status }) => status === 500],
    ["close", "task_6", ({ error }) => error === "connection"],
    ["redirect", "task_9", ({ location_host }) => location_host === "shop.example"],
  ]) {
    backend.answer = how;
    await post(event(task_id, "queued"));
    const { id } = await attempted({ task_id }, fits);
    const { state, attempts } = await answer(200, "getDelivery", { path: { delivery_id: id } });
    assert.deepEqual([state, attempts.length], ["pending", 1]);
    const { body } = await answer(200, "getDeliveryBody", { path: { delivery_id: id } });
    assert.deepEqual(Buffer.from(body, "base64"), Buffer.from(event(task_id, "queued")));
  }
  backend.answer = "ok";
  const { id } = await attempted({ endpoint, state: "delivered", task_id: "task_4" });
  const again = await answer(202, "replayDelivery", { path: { delivery_id: id } });
  assert.equal(again.replay_count, 1);
  await attempted(
    { task_id: "task_4", state: "delivered" },
    ({ replay_count }) => replay_count === 1,
  );

  const headers = { "idempotency-key": "once" };
  const json = { endpoint, which: "all", from: "2026-01-01T01:00:00.5+01:00" };
  const replay = await answer(202, "replayRange", { json, headers });
  assert.equal((await answer(202, "replayRange", { json, headers })).replay_id, replay.replay_id);
  await answer(409, "replayRange", { json: { endpoint }, headers });
  await until(async () => (await answer(200, "getReplay", { path: replay })).done);
  const counted = await answer(200, "replayRange", { json: { ...json, dry_run: true }, headers });
  assert.equal(counted.matched, replay.matched);
  for (const _ of ["now", "before"]) {
    assert.equal((await answer(200, "cancelReplay", { path: replay })).cancelled, true);
  }

  // Pending deliveries to an endpoint that is deleted are dead.
  backend.answer = "fail";
  await post(event("task_7", "queued"));
  await attempted({ task_id: "task_7" });
  await answer(200, "deleteEndpoint", { path });
  await until(async () => {
    const { deliveries } = await answer(200, "listDeliveries", { query: { state: "dead" } });
    return deliveries[0]?.reason === "endpoint_deleted";
  });
});

/** Opens a stream as a WebSocket, and notes that this was answered. */
async function watch(id, path, protocols = []) {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const socket = new WebSocket(gateway.url.replace("http", "ws") + path, protocols, { headers });
  await emitted(socket, "open");
  socket.terminate();
  seen.add(`${id} 101`);
}

test("streams and tickets", async () => {
  await post(event("task_8", "queued"));
  const path = { task_id: "task_8", shard: "1" };
  await watch("watchAll", "/api/live");
  await watch("watchShard", "/api/live/1");
  await watch("watchTask", "/api/tasks/task_8/live");
  assert.deepEqual(await answer(200, "watchAll"), { shards: 2 });
  const headers = { accept: "text/event-stream" };
  for (const id of ["watchAll", "watchShard", "watchTask"])
    await answer(200, id, { path, headers });

  const { ticket } = await answer(201, "createTicket", { json: { task_id: "task_8" } });
  const anonymous = { ...headers, authorization: "" };
  await answer(200, "watchTask", { path, query: { ticket }, headers: anonymous });
  await post(event("task_8", "completed"));
  const stream = await fetch(`${gateway.url}/api/tasks/task_8/live?ticket=${ticket}`, { headers });
  const [, last] = /^id: (\S+)$/m.exec(await stream.text());
  const resumed = { ...anonymous, "last-event-id": last };
  await answer(204, "watchTask", { path, query: { ticket }, headers: resumed });
  const page = { authorization: "", origin: "https://elsewhere.example" };
  await answer(403, "watchTask", { path, query: { ticket }, headers: { ...page, ...headers } });
  await answer(403, "allowTaskStream", { path, headers: page });
  await answer(404, "allowTaskStream", { path: NO_TASK });
  await answer(204, "allowTaskStream", { path, headers: { ...page, origin: gateway.url } });
  await answer(200, "getStats", { query: { minutes: "5" } });
  await answer(200, "getStats", { query: { endpoint: "ep_1" } });
});

test("rejections", async () => {
  const codes = [
    "missing_signature",
    "signature_mismatch",
    "payload_too_large",
    "method_not_allowed",
  ];
  await gateway.post("{}", { signature: "0".repeat(64) });
  await fetch(`${gateway.url}/webhooks/vtryon`);
  await until(async () => {
    const { rejections } = await answer(200, "listRejections");
    return codes.every((code) => rejections.some((rejection) => rejection.code === code));
  });
});

test("secrets", async () => {
  const { secrets } = await answer(200, "listSecrets");
  assert.deepEqual(secrets.map(({ state }) => state).sort(), ["current", "previous"]);
  for (const { fingerprint } of secrets)
    await answer(409, "purgeSecret", { path: { fingerprint } });
  await gateway.halt();
  await gateway.restart({ VTRYON_WEBHOOK_SECRET_PREVIOUS: "whsec_test_next" });
  const former = (await answer(200, "listSecrets")).secrets.find(({ state }) => state === "former");
  await answer(200, "purgeSecret", { path: former });
});

test("an import", async () => {
  const body = event("task_imported", "queued");
  const fields = { type: "event", received_at: "2026-01-01T12:00:00Z", signature: sign(body) };
  const line = JSON.stringify({ ...fields, body: Buffer.from(body).toString("base64") });
  const { lines } = await answer(200, "importEvents", { body: `${line}\n${line}\n{}` });
  assert.deepEqual(
    lines.map(({ result }) => result),
    ["stored", "duplicate", "refused"],
  );
  const headers = [`authorization: Bearer ${TOKEN}`, `content-length: ${3 * 2 ** 20 + 1}`];
  const { status } = await callRaw(gateway, "importEvents", headers, line);
  assert.equal(status, 413);
});

/** Well formed, but longer than the id of any task. */
const NO_TASK = { task_id: "\u00fc".repeat(256) };

/** What to ask for so that it is not there, where MISSING is not enough. */
const UNKNOWN = {
  replayRange: { json: { endpoint: MISSING.endpoint_id } },
  createTicket: { json: NO_TASK },
  watchTask: { path: NO_TASK, headers: { accept: "text/event-stream" } },
};

test("tokens and the audit trail", async () => {
  const json = {
    name: "\u{1f600}".repeat(100),
    scope: "admin",
    expires_at: "2100-01-01T00:00:00Z",
  };
  const { id, token } = await answer(201, "createToken", { json });
  const { tokens } = await answer(200, "listTokens", { headers: bearer(token) });
  assert.equal(tokens[0].id, id);
  await answer(200, "revokeToken", { path: { token_id: id } });
  const { records, cursor } = await answer(200, "listAudit", { query: { limit: "1" } });
  assert.equal(records[0].target, id);
  await answer(200, "listAudit", { query: { cursor } });
});

test("a task is erased, and again", async () => {
  const path = { task_id: "task_3" };
  const first = await answer(200, "eraseTask", { path });
  const again = await answer(200, "eraseTask", { path });
  assert.deepEqual(again, { ...first, events: 0, deliveries: 0 });
});

test("unknown resources are answered 404", async () => {
  for (const { id } of ADMINS.filter(({ answers }) => answers[404])) {
    await answer(404, id, UNKNOWN[id] ?? {});
  }
  for (const id of ["getTask", "getResult", "eraseTask"]) await answer(404, id, { path: NO_TASK });
});

for (const [id, request] of CONFLICTS) {
  test(`conflicts: ${id} ${JSON.stringify(request).slice(0, 80)}`, async () => {
    await answer(409, id, request);
  });
}

for (const [id, request] of TAKEN) {
  test(`taken: ${id} ${JSON.stringify(request).slice(0, 80)}`, async () => {
    await answer(200, id, request);
  });
}

for (const [id, request] of [...INVALID, ...BEYOND]) {
  const beyond = BEYOND.some(([, other]) => other === request);
  test(`invalid: ${id} ${JSON.stringify(request).slice(0, 80)}`, async () => {
    await answer(400, id, { ...request, beyond });
  });
}

test("values of the maximal length are accepted", async () => {
  const json = {
    url: `https://shop.example/${long(2027)}`,
    description: "\u00fc".repeat(500),
    statuses: Array(50).fill("\u00fc".repeat(64)),
    events: Array(50).fill("\u00fc".repeat(128)),
  };
  const { id } = await answer(201, "createEndpoint", { json });
  const path = { endpoint_id: id };
  const headers = { "idempotency-key": long(255) };
  await answer(202, "replayRange", { json: { endpoint: id }, headers });
  await answer(200, "rotateSecret", { path, json: { overlap_hours: 0 } });
  for (const hours of ["60.0", "6e1", "168", "-0.0"]) {
    await answer(200, "rotateSecret", { path, body: `{"overlap_hours":${hours}}` });
  }
  const { secrets } = await answer(200, "getEndpoint", { path });
  assert.equal(secrets.length, 3);
  await post(event(long(256), "queued"));
  await answer(200, "getTask", { path: { task_id: long(256) } });
  await answer(200, "deleteEndpoint", { path });
  for (const { id } of ADMINS.filter(({ body }) => body)) {
    await answer(413, id, { body: " ".repeat(65_537) });
  }
});

test("an endpoint that leads back to the gateway is a conflict, one that is not listed is forbidden", async (t) => {
  const own = await Gateway.start({ bindings: { ENDPOINT_HOSTS: "127.0.0.1" } });
  t.after(() => own.stop());
  const { id } = await own.register("http://127.0.0.1:9/");
  const { body } = await own.api("/api/alerts", {
    method: "POST",
    json: { url: "http://127.0.0.1:9/" },
  });
  for (const [operation, path] of [
    ["createEndpoint"],
    ["changeEndpoint", { endpoint_id: id }],
    ["createAlertDestination"],
    ["changeAlertDestination", { destination_id: body.id }],
  ]) {
    const back = await call(own, operation, { path, json: { url: own.url } });
    assert.equal(back.status, 409, operation);
    const other = await call(own, operation, { path, json: { url: "https://shop.example/" } });
    assert.equal(other.status, 403, operation);
  }
});

/** What lets a request in whose body is read; by the name of an operation, where it is not the token. */
const ADMISSION = {
  receiveEvent: `x-vtryon-signature: ${sign("{}")}`,
  openSession: "content-type: application/json",
};

test("a body that ends early or does not come is answered as one, wherever there is a body", async () => {
  const ids = OPERATIONS.filter(({ hasBody }) => hasBody).map(({ id }) => id);
  await Promise.all(
    ids.map(async (id) => {
      const headers = [ADMISSION[id] ?? `authorization: Bearer ${TOKEN}`, "content-length: 2"];
      const cut = await callRaw(gateway, id, headers, "{", END);
      assert.deepEqual([cut.status, cut.body.error], [400, "incomplete_body"], id);
      const stalled = await callRaw(gateway, id, headers, "{");
      assert.deepEqual([stalled.status, stalled.body.error], [408, "body_timeout"], id);
    }),
  );
});

test("a change that the shards do not confirm is answered 202", async () => {
  const { id } = await answer(201, "createEndpoint", { json: { url: backend.url } });
  const alerts = { url: backend.url, format: "slack" };
  const destination = await answer(201, "createAlertDestination", { json: alerts });
  const path = { endpoint_id: id, destination_id: destination.id };
  await gateway.halt();
  // A shard whose storage is broken confirms nothing, and answers nothing.
  for (const { file } of await gateway.stored()) {
    if (file.includes("TaskShard")) await writeFile(file, "broken");
  }
  await gateway.restart();
  const range = await answer(202, "replayRange", { json: { endpoint: id } });
  const replay = await answer(202, "cancelReplay", { path: { replay_id: range.replay_id } });
  assert.deepEqual([range.done, replay.done, replay.cancelled], [false, false, true]);
  await answer(503, "getReplay", { path: { replay_id: range.replay_id } });
  for (const [operation, json] of [
    ["createEndpoint", { url: backend.url }],
    ["changeEndpoint", { description: "moved" }],
    ["rotateSecret"],
    ["retireSecret"],
    ["deleteEndpoint"],
    ["createAlertDestination", alerts],
    ["changeAlertDestination", { description: "moved" }],
    ["rotateAlertSecret"],
    ["retireAlertSecret"],
    ["deleteAlertDestination"],
  ]) {
    const { applied, shards } = await answer(202, operation, { path, json });
    assert.deepEqual([applied, shards], [0, 2], operation);
  }
  for (const id of ["getTask", "eraseTask", "listTasks", "listDeliveries", "getMetrics"])
    await answer(503, id);
});

test("with another number of shards, the gateway answers 503", async () => {
  await gateway.halt();
  await gateway.restart({ SHARDS: "3" });
  for (const id of ["listEndpoints", "listTasks", "getMetrics"]) await answer(503, id);
});

test("without its configuration, the gateway answers 503", async (t) => {
  const faulty = await Gateway.start({ bindings: { VTRYON_WEBHOOK_SECRET: undefined } });
  t.after(() => faulty.stop());
  for (const { id } of OPERATIONS) assert.equal((await call(faulty, id)).status, 503, id);
});

test("with Access only, there are no sessions", async (t) => {
  const bindings = { GATEWAY_ADMIN_TOKEN: undefined, ACCESS_TEAM: "acme", ACCESS_AUD: AUD };
  const strict = await Gateway.start({ bindings });
  t.after(() => strict.stop());
  assert.equal((await call(strict, "openSession")).status, 404);
});

/** What is named but can't be provoked: the runtime seals a secret before it lets the next request in. */
const UNSEEN = ["rotateSecret 409", "rotateAlertSecret 409"];

test("every answer that the document names was given", () => {
  const named = OPERATIONS.flatMap(({ id, answers }) =>
    Object.keys(answers).map((status) => `${id} ${status}`),
  );
  assert.deepEqual(
    named.filter((answer) => !seen.has(answer)),
    UNSEEN,
  );
});
