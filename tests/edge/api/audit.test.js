// The audit trail: every change through the API, by whom, and nothing of what is secret.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Response } from "miniflare";
import { ACCESS, asserted, ISSUER, Team } from "../support/api/access-team.js";
import { bearer } from "../support/api/caller.js";
import { call, OPERATIONS } from "../support/api/document.js";
import { createToken } from "../support/api/tokens.js";
import { acknowledged, delivery } from "../support/deliveries.js";
import { event, Gateway, SECRET, sign } from "../support/gateway.js";

const FORMER = "whsec_former_of_the_audit_test";
const FROM = "203.0.113.9";
const TASK = "task_audit";

const SHOP = "https://shop.example/hook";

const team = new Team();
const outbound = (request) =>
  request.url.startsWith(ISSUER) ? team.outbound(request) : new Response("ok");
let gateway;
before(async () => {
  const bindings = { ...ACCESS, ACCESS_SCOPES: "ops=admin,*=read", VTRYON_WEBHOOK_SECRET: FORMER };
  gateway = await Gateway.start({ bindings, outbound });
  await gateway.api("/api/secrets");
  await gateway.halt();
  await gateway.restart({ VTRYON_WEBHOOK_SECRET: SECRET });
});
after(() => gateway.stop());

const records = async (query = "") => (await gateway.api(`/api/audit${query}`)).body.records;

/** Makes a change, and returns its answer with the record that it has left. */
async function changed(id, request) {
  const before = await records("?limit=100");
  const { status, body } = await call(gateway, id, { from: FROM, ...request });
  assert.ok(status < 300, `${id}: ${status} ${JSON.stringify(body)}`);
  const after = await records("?limit=100");
  assert.equal(after.length, before.length + 1, `${id} leaves one record`);
  return { body, record: after[0] };
}

test("every operation that changes something leaves one record, with its target", async () => {
  const done = new Map();
  const change = async (id, target, request) => {
    const { body, record } = await changed(id, request);
    const { method, path } = OPERATIONS.find((operation) => operation.id === id);
    const { at, ...rest } = record;
    assert.ok(Date.parse(at) > 0);
    assert.deepEqual(rest, {
      actor: { kind: "root" },
      operation: `${method} ${path}`,
      target: typeof target === "function" ? target(body) : target,
      address: FROM,
    });
    done.set(id, body);
    return body;
  };
  const { id } = await change("createEndpoint", ({ id }) => id, { json: { url: SHOP } });
  const path = { endpoint_id: id };
  await change("changeEndpoint", id, { path, json: { description: "shop" } });
  await change("rotateSecret", id, { path, json: {} });
  await change("retireSecret", id, { path });
  await change("testEndpoint", id, { path });
  await acknowledged(gateway, event(TASK, "queued"));
  const { id: delivery_id } = await delivery(gateway, { task_id: TASK, endpoint: id });
  await change("replayDelivery", delivery_id, { path: { delivery_id } });
  await change("eraseTask", TASK, { path: { task_id: TASK } });
  const range = { json: { endpoint: id } };
  const { replay_id } = await change("replayRange", ({ replay_id }) => replay_id, range);
  await change("cancelReplay", replay_id, { path: { replay_id } });
  await change("deleteEndpoint", id, { path });
  const { id: destination } = await change("createAlertDestination", ({ id }) => id, {
    json: { url: SHOP },
  });
  const ofAlerts = { path: { destination_id: destination } };
  await change("changeAlertDestination", destination, { ...ofAlerts, json: { format: "slack" } });
  await change("rotateAlertSecret", destination, { ...ofAlerts, json: {} });
  await change("retireAlertSecret", destination, ofAlerts);
  await change("testAlertDestination", destination, ofAlerts);
  await change("deleteAlertDestination", destination, ofAlerts);
  const secrets = (await gateway.api("/api/secrets")).body.secrets;
  const { fingerprint } = secrets.find(({ state }) => state === "former");
  await change("purgeSecret", fingerprint, { path: { fingerprint } });
  const body = event("task_imported", "queued");
  const fields = { type: "event", received_at: "2026-01-01T12:00:00Z", signature: sign(body) };
  const line = JSON.stringify({ ...fields, body: Buffer.from(body).toString("base64") });
  await change("importEvents", "events", { body: line });
  const token = await change("createToken", ({ id }) => id, {
    json: { name: "ci", scope: "read" },
  });
  await change("revokeToken", token.id, { path: { token_id: token.id } });

  // Tickets are many, and sign-ins change nothing.
  const unrecorded = [
    "createTicket",
    "openSession",
    "closeSession",
    "receiveEvent",
    "allowTaskStream",
  ];
  const all = OPERATIONS.filter(({ method }) => method !== "GET").map(({ id }) => id);
  assert.deepEqual(all.filter((id) => !done.has(id)).sort(), unrecorded.sort());

  const text = JSON.stringify(await records("?limit=100"));
  for (const body of done.values()) {
    for (const secret of [body.secret, body.token].filter(Boolean))
      assert.ok(!text.includes(secret));
  }
});

test("a record names a token by its name, and a person by what Access says", async () => {
  const admin = await createToken(gateway, "admin");
  const byToken = await changed("createToken", {
    headers: bearer(admin.token),
    json: { name: "ci", scope: "read" },
  });
  const { id, name } = admin;
  assert.deepEqual(byToken.record.actor, { kind: "token", id, name });
  const claims = { email: "ann@example.com", custom: { groups: ["Ops"] } };
  const byPerson = await changed("revokeToken", {
    path: { token_id: byToken.body.id },
    headers: {
      authorization: "",
      "x-requested-with": "test",
      ...asserted(team.assertion({ claims })),
    },
  });
  assert.deepEqual(byPerson.record.actor, { kind: "access", name: "ann@example.com" });
});

test("ACCESS_SCOPES says what people may do", async () => {
  const headers = { authorization: "", "x-requested-with": "test", ...asserted(team.assertion()) };
  assert.equal((await call(gateway, "listTasks", { headers })).status, 200);
  const refused = await call(gateway, "createToken", {
    headers,
    json: { name: "x", scope: "read" },
  });
  assert.equal(refused.status, 403);
  assert.match(
    refused.body.message,
    /needs the scope `admin`; the credential that was sent has `read`/,
  );
});

test("what is refused leaves no record", async () => {
  const before = await records("?limit=100");
  const replay = await createToken(gateway, "replay");
  for (const [id, status, request] of [
    ["createEndpoint", 400, { json: {} }],
    ["changeEndpoint", 404, { json: { description: "x" } }],
    ["deleteEndpoint", 404, {}],
    ["testEndpoint", 404, {}],
    ["replayDelivery", 404, { path: { delivery_id: "dlv_1000_1" } }],
    ["revokeToken", 404, {}],
    ["purgeSecret", 404, {}],
    ["createToken", 403, { headers: bearer(replay.token), json: { name: "x", scope: "admin" } }],
  ]) {
    assert.equal((await call(gateway, id, request)).status, status, id);
  }
  assert.equal((await records("?limit=100")).length, before.length + 1, "that of the token alone");
});

test("pages lead through all records, also after a restart", async () => {
  await gateway.halt();
  await gateway.restart();
  const all = await records("?limit=100");
  const paged = [];
  let query = "?limit=3";
  while (query) {
    const { records, cursor } = (await gateway.api(`/api/audit${query}`)).body;
    paged.push(...records);
    query = cursor && `?limit=3&cursor=${cursor}`;
  }
  assert.deepEqual(paged, all);
});
