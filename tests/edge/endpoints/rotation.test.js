// The rotation of an endpoint's secret: for a while both are good, so no delivery is lost whenever the backend
// takes over the new one; after that the old one is good for nothing.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { ANSWERS, Backend } from "../support/backends/backend.js";
import { guideAccepts, guideReceiver, LIBRARIES } from "../support/backends/receivers.js";
import { event, Gateway, sign, until } from "../support/gateway.js";

/** Ways to end a rotation. The first two are of the moment, the third takes an hour of the gateway's clock. */
const ENDS = [
  {
    name: "retire",
    hours: 24,
    end: (gateway, path) => gateway.api(`${path}/retire`, { json: {} }),
  },
  { name: "no overlap", hours: 0, end: () => {} },
  {
    name: "the end of the overlap",
    hours: 1,
    end: (gateway, path) => until(async () => (await gateway.api(path)).body.secrets.length === 1),
  },
];

/** An hour in two seconds: a build of the tests alone has such a clock. */
const FAST = { CLOCK_SCALE: "1800", CLOCK_FROM: String(Date.now()) };

let gateway;
let fast;
let backend;
before(async () => {
  gateway = await Gateway.start();
  fast = await Gateway.start({ build: "build-faults", bindings: FAST });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await fast.stop();
  await backend.stop();
});

/** Every event goes to every endpoint, so each test has its own alone. */
afterEach(async () => {
  for (const each of [gateway, fast]) {
    const { body } = await each.api("/api/endpoints");
    for (const { id } of body.endpoints)
      await each.api(`/api/endpoints/${id}`, { method: "DELETE" });
  }
});

let tasks = 0;

/** Registers an endpoint, and rotates its secret. */
async function rotated(through, overlap_hours) {
  const { id, secret: old } = await through.register(backend.url);
  const path = `/api/endpoints/${id}`;
  const { status, body } = await through.api(`${path}/rotate`, { json: { overlap_hours } });
  assert.equal(status, 200);
  assert.notEqual(body.secret, old);
  return { id, path, old, current: body.secret };
}

/** Lets an event go to an endpoint; returns the requests of its first attempt, and how the delivery stands then. */
async function delivered(through, { id }, answer) {
  tasks += 1;
  const task = `task_${tasks}`;
  backend.answer = answer;
  assert.equal((await through.post(event(task, "completed"))).status, 200);
  const shown = async () => {
    const { body } = await through.api(`/api/deliveries?task_id=${task}&endpoint=${id}`);
    return body.deliveries[0];
  };
  const delivery = await until(async () => {
    const now = await shown();
    return now.attempts.length > 0 && now;
  });
  const requests = backend.received.filter(
    ({ headers, body }) => body.includes(`"${task}"`) && headers["x-vtryon-attempt"] === "1",
  );
  return { requests, delivery, attempt: delivery.attempts[0] };
}

/** Tells which of some secrets each library accepts a delivery under. */
async function accepted(sent, secrets) {
  const verdicts = LIBRARIES.map(({ accepts }) =>
    Promise.all(secrets.map(async (secret) => (await accepts(secret, [sent]))[0])),
  );
  return Promise.all(verdicts);
}

test("while secrets overlap, each of them verifies a delivery, after a second rotation too", async () => {
  const endpoint = await rotated(gateway, 24);
  const { body } = await gateway.api(`${endpoint.path}/rotate`, { json: {} });
  const secrets = [body.secret, endpoint.current, endpoint.old];
  const { requests } = await delivered(gateway, endpoint, guideReceiver(body.secret));
  assert.equal(requests.length, 1);
  assert.match(requests[0].headers["webhook-signature"], /^v1,\S{44} v1,\S{44} v1,\S{44}$/);
  assert.deepEqual(await accepted(requests[0], secrets), [
    [true, true, true],
    [true, true, true],
  ]);
});

for (const refusal of [401, 403]) {
  test(`a backend that still has the old secret and answers ${refusal} gets the same attempt once more`, async () => {
    const endpoint = await rotated(gateway, 24);
    const { requests, delivery, attempt } = await delivered(
      gateway,
      endpoint,
      guideReceiver(endpoint.old, refusal),
    );
    assert.equal(delivery.state, "delivered");
    assert.deepEqual([attempt.attempt, attempt.status, attempt.previous_secret], [1, 200, true]);
    assert.equal(requests.length, 2);
    const signatures = requests.map(({ headers }) => headers["x-vtryon-signature"]);
    const [{ body }] = requests;
    assert.deepEqual(signatures, [sign(body, endpoint.current), sign(body, endpoint.old)]);
    const [first, second] = requests.map(({ headers }) => ({
      ...headers,
      "x-vtryon-signature": "",
    }));
    assert.deepEqual(second, first, "all else is the same");
    assert.ok(requests[1].body.equals(body));
  });
}

/** Refuses the new secret at once, and answers otherwise to what the old one has signed. */
const refusingNew =
  (answer) =>
  ({ old }) =>
  (exchange) =>
    ANSWERS[guideAccepts(old, exchange) ? answer : "unauthorized"](exchange);

const ATTEMPTS = [
  {
    name: "has the new secret",
    answer: ({ current }) => guideReceiver(current),
    status: 200,
    requests: 1,
  },
  { name: "fails otherwise", answer: () => "fail", status: 500, requests: 1 },
  {
    name: "has neither secret",
    answer: () => guideReceiver("whsec_another"),
    status: 401,
    requests: 2,
  },
  // The refusal is what says what is wrong.
  {
    name: "refuses the new secret, and hangs at the old one",
    answer: refusingNew("hang"),
    status: 401,
    requests: 2,
  },
  {
    name: "refuses the new secret, and closes the connection at the old one",
    answer: refusingNew("close"),
    status: 401,
    requests: 2,
  },
];

for (const { name, answer, status, requests: count } of ATTEMPTS) {
  test(`during a rotation, a backend that ${name} is asked ${count === 1 ? "once" : "twice"}`, async () => {
    const endpoint = await rotated(gateway, 24);
    const { requests, delivery, attempt } = await delivered(gateway, endpoint, answer(endpoint));
    assert.equal(requests.length, count);
    assert.equal(delivery.state, status === 200 ? "delivered" : "pending");
    assert.deepEqual(
      [attempt.attempt, attempt.status, attempt.error, attempt.previous_secret],
      [1, status, undefined, undefined],
    );
  });
}

test("a new secret is shown although a header can't be opened at the moment", async () => {
  const json = { url: backend.url, headers: { "x-fault-open": "a value" } };
  const registered = await fast.api("/api/endpoints", { json });
  const path = `/api/endpoints/${registered.body.id}`;
  const rotated = await fast.api(`${path}/rotate`, { json: {} });
  assert.deepEqual([registered.status, rotated.status], [201, 200]);
  const [former, secret] = [registered.body.secret, rotated.body.secret];
  assert.ok(former && secret && former !== secret);
  assert.equal((await fast.api(path)).status, 503, "to show it is no change");
  assert.equal((await fast.api(path, { method: "DELETE" })).status, 200);
});

test("a delivery that was pending before a rotation is retried with the signatures of both secrets", async () => {
  const { id, secret: old } = await gateway.register(backend.url);
  const { delivery } = await delivered(gateway, { id }, "fail");
  const { body: endpoint } = await gateway.api(`/api/endpoints/${id}/rotate`, { json: {} });
  backend.answer = guideReceiver(endpoint.secret);
  await gateway.api(`/api/deliveries/${delivery.id}/replay`, { method: "POST" });
  const sent = await until(() =>
    backend.received.find(
      ({ headers }) =>
        headers["x-vtryon-delivery"] === delivery.id && headers["x-vtryon-attempt"] === "2",
    ),
  );
  assert.equal(sent.headers["x-vtryon-signature"], sign(sent.body, endpoint.secret));
  assert.deepEqual(await accepted(sent, [endpoint.secret, old]), [
    [true, true],
    [true, true],
  ]);
});

for (const { name, hours, end } of ENDS) {
  test(`after ${name} only the new secret is good, and nothing is sent with the old one`, async () => {
    const through = hours === 1 ? fast : gateway;
    const endpoint = await rotated(through, hours);
    await end(through, endpoint.path);
    const refused = await delivered(through, endpoint, guideReceiver(endpoint.old));
    assert.equal(refused.requests.length, 1);
    assert.equal(refused.delivery.state, "pending");
    assert.deepEqual([refused.attempt.status, refused.attempt.previous_secret], [401, undefined]);
    const { requests, delivery } = await delivered(
      through,
      endpoint,
      guideReceiver(endpoint.current),
    );
    assert.equal(delivery.state, "delivered");
    assert.match(requests[0].headers["webhook-signature"], /^v1,\S{44}$/);
    // The libraries refuse what the fast clock dates, for it is not of today.
    if (through === gateway) {
      assert.deepEqual(await accepted(requests[0], [endpoint.current, endpoint.old]), [
        [true, false],
        [true, false],
      ]);
    }
  });
}
