// Alerts from one end to the other: what shards and administrators do reaches a destination, signed, and survives the
// loss of the runtime. When what is told is tested on the engine.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { against, DOCUMENT } from "../support/api/api-document.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, deliveries, faster, named } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";

let gateway;
before(async () => {
  // Retries of hours pass in seconds.
  const bindings = { SHARDS: "2", ...faster(2_000) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
});
after(() => gateway.stop());

const send = (path, json, method = "POST") =>
  gateway.api(path, { method, body: json && JSON.stringify(json) });

/** A receiver of alerts, and what is registered of it. */
async function destination(t, fields = {}) {
  const receiver = await Backend.start();
  t.after(() => receiver.stop());
  const { status, body } = await send("/api/alerts", { url: receiver.url, ...fields });
  assert.equal(status, 201, JSON.stringify(body));
  t.after(() => send(`/api/alerts/${body.id}`, undefined, "DELETE"));
  return { receiver, ...body };
}

/** Waits for the alert of a type, and returns its request. */
const alert = ({ receiver }, type) =>
  until(() => receiver.received.find(({ body }) => JSON.parse(body).type === type));

/** What the document of the API has against an alert; nothing where it describes it. */
function objection({ body }) {
  const event = JSON.parse(body);
  const { requestBody } = DOCUMENT.webhooks[event.type].post;
  return against(requestBody.content["application/json"].schema, event);
}

/** The signature by Standard Webhooks. */
function signature(secret, { headers, body }) {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

test("an endpoint that fails four times is told of, signed, and its recovery too", async (t) => {
  const ops = await destination(t, {
    events: ["gateway.endpoint_failing", "gateway.endpoint_recovered"],
  });
  const backend = await Backend.start("fail");
  t.after(() => backend.stop());
  const { id } = await gateway.register(backend.url, { events: ["fails"] });
  await acknowledged(gateway, named("fails"));
  const failing = await alert(ops, "gateway.endpoint_failing");
  assert.equal(failing.headers["webhook-signature"], signature(ops.secret, failing));
  assert.equal(failing.headers["x-vtryon-outcome"], "alert");
  const { type, timestamp, data } = JSON.parse(failing.body);
  assert.deepEqual([type, data.endpoint, data.count], ["gateway.endpoint_failing", id, 1]);
  assert.ok(!Number.isNaN(Date.parse(timestamp)));
  assert.ok(backend.received.length >= 4, "not before the fourth failure");
  const { body } = await gateway.api("/api/alerts");
  const open = body.alerts.find(({ cause }) => cause === "endpoint_failing");
  assert.deepEqual([open.open, open.endpoint], [true, id]);

  backend.answer = "ok";
  const recovered = await alert(ops, "gateway.endpoint_recovered");
  assert.equal(recovered.headers["webhook-signature"], signature(ops.secret, recovered));
  assert.notEqual(recovered.headers["webhook-id"], failing.headers["webhook-id"]);
  assert.equal(ops.receiver.received.length, 2, "each is told once");
  assert.deepEqual(ops.receiver.received.map(objection), [undefined, undefined]);
});

test("a destination that fails is retried and shown, and causes no alert", async (t) => {
  const witness = await destination(t);
  const broken = await destination(t, { events: ["gateway.event_quarantined"] });
  broken.receiver.answer = "fail";
  assert.equal((await gateway.post("not json")).status, 200);
  await alert(witness, "gateway.event_quarantined");
  // An endpoint is told of after the fourth.
  await until(() => broken.receiver.received.length >= 5);
  const [shown] = await deliveries(gateway, { endpoint: broken.id });
  assert.deepEqual([shown.event, shown.task_id], ["gateway.event_quarantined", null]);
  assert.deepEqual(
    witness.receiver.bodies.filter((body) => body.includes("endpoint_failing")),
    [],
  );
});

test("an alert that is due when the runtime is killed arrives once it is back", async (t) => {
  const ops = await destination(t, { events: ["gateway.endpoint_disabled"] });
  const backend = await Backend.start();
  t.after(() => backend.stop());
  const { id } = await gateway.register(backend.url, { events: ["killed"] });
  ops.receiver.answer = "hang";
  assert.equal((await send(`/api/endpoints/${id}`, { enabled: false }, "PATCH")).status, 200);
  await gateway.kill();
  ops.receiver.answer = "ok";
  await gateway.restart();
  await gateway.sweep();
  const { body } = await alert(ops, "gateway.endpoint_disabled");
  assert.deepEqual(JSON.parse(body).data.reason, "administrator");
  const ids = new Set(ops.receiver.received.map(({ headers }) => headers["webhook-id"]));
  assert.equal(ids.size, 1, "it is one alert, however often it was attempted");
});

for (const { format, expect } of [
  {
    format: "standard",
    expect: (request) => {
      assert.equal(JSON.parse(request.body).type, "gateway.test");
      assert.equal(objection(request), undefined);
    },
  },
  {
    format: "slack",
    expect: ({ body }) => assert.match(JSON.parse(body).text, /This is a test/),
  },
])
  test(`a test is written as ${format}, and answered with its delivery`, async (t) => {
    const ops = await destination(t, { format, events: ["gateway.delivery_dead"] });
    const { status, body } = await send(`/api/alerts/${ops.id}/test`);
    assert.deepEqual([status, body.state, body.event], [200, "delivered", "gateway.test"]);
    expect(ops.receiver.received[0]);
    await send(`/api/alerts/${ops.id}`, { enabled: false }, "PATCH");
    assert.equal((await send(`/api/alerts/${ops.id}/test`)).status, 409);
  });

test("an answer that repeats the URL of a destination is stored without it", async (t) => {
  const receiver = await Backend.start(({ path, response }) =>
    response.writeHead(404).end(`Cannot POST ${path}: ${path.split("/").at(-1)} is not known`),
  );
  t.after(() => receiver.stop());
  const url = new URL("/hooks/9f8e7d6c5b4a", receiver.url).href;
  const { body: slack } = await send("/api/alerts", { url, format: "slack" });
  t.after(() => send(`/api/alerts/${slack.id}`, undefined, "DELETE"));
  const { body } = await send(`/api/alerts/${slack.id}/test`);
  assert.equal(body.attempts[0].answer, "Cannot POST [redacted]: [redacted] is not known");
});

test("a destination is rotated like an endpoint, and is none", async (t) => {
  const ops = await destination(t);
  const { body } = await send(`/api/alerts/${ops.id}/rotate`, { overlap_hours: 1 });
  assert.equal(body.secrets.length, 2);
  assert.notEqual(body.secret, ops.secret);
  assert.equal((await send(`/api/alerts/${ops.id}/retire`)).body.secrets.length, 1);
  assert.equal((await gateway.api(`/api/endpoints/${ops.id}`)).status, 404);
  const { id } = await gateway.register(ops.receiver.url);
  assert.equal((await gateway.api(`/api/alerts/${id}`)).status, 404);
  const listed = (await gateway.api("/api/alerts")).body.destinations.map((each) => each.id);
  assert.deepEqual([listed.includes(ops.id), listed.includes(id)], [true, false]);
});

test("the sweep finds that a shard's storage is nearly full, and that it is relieved", async (t) => {
  const bindings = { SHARDS: "1", ...faster(2_000) };
  const small = await Gateway.start({ build: "build-faults", bindings });
  t.after(() => small.stop());
  const cause = async () => {
    const { alerts } = (await small.api("/api/alerts")).body;
    return alerts.find(({ cause }) => cause === "storage_nearly_full");
  };
  const remark = "x".repeat(60_000);
  const tasks = Array.from({ length: 8 }, (_, nth) => `task_${nth}`);
  await acknowledged(small, ...tasks.map((id) => event(id, "queued", { remark })));
  await small.sweep();
  assert.equal(await cause(), undefined);
  const limited = async (DATABASE_LIMIT) => {
    await small.halt();
    await small.restart({ DATABASE_LIMIT });
    await small.sweep();
  };
  // Half a MB is stored, and what an empty database takes.
  await limited("500000");
  assert.equal((await cause()).open, true);
  await limited("10000000");
  assert.equal((await cause()).open, false);
});
