// Every delivery is accepted by the receivers that backends have already: that of Vtryon's guide, and the
// libraries of Standard Webhooks. What was changed on its way is refused by them.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { LIBRARIES, RECEIVERS } from "../support/backends/receivers.js";
import { Gateway, until } from "../support/gateway.js";

let gateway;
let backend;
let endpoint;
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start();
  endpoint = await gateway.register(backend.url, { order: "all", include: ["quarantined"] });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

/** What arrived at the backend of events of a task. */
const arrived = (task) => backend.received.filter(({ body }) => body.includes(`"${task}"`));

/** Posts an event and waits until the backend has it. */
async function deliver(task, body) {
  assert.equal((await gateway.post(body)).status, 200);
  await until(() => arrived(task).length > 0);
  return arrived(task)[0];
}

const queued = (task, rest) =>
  `{"event":"generation.status_changed","task_id":"${task}","status":"queued"${rest}}`;

/** A body of exactly so many bytes. */
const padded = (task, bytes) => {
  const frame = queued(task, ',"padding":""');
  return frame.replace('""', `"${"x".repeat(bytes - frame.length)}"`);
};

const BODIES = [
  { name: "plain", why: "the usual form", body: (task) => queued(task, "") },
  {
    name: "blanks",
    why: "whoever parses and writes again, or trims, loses them",
    body: (task) => ` \t\r\n${queued(task, ' ,\n\t"odd" : 1 ')}\r\n\r\n \t `,
  },
  {
    name: "not_ascii",
    why: "two, three and four bytes a character, a combining one, separators of lines, controls",
    body: (task) =>
      queued(task, ',"odd":"\u00e4\u20ac\u{1f9e5}e\u0301\u2028\u2029\u007f\u0085\ufeff"'),
  },
  {
    name: "escaped",
    why: "escapes that another writer would spell otherwise, and half a pair of surrogates",
    body: (task) => queued(task, String.raw`,"odd":"\u0041\/\u00e4\u0000\b\ud83e"`),
  },
  {
    name: "numbers",
    why: "numbers that a double does not hold, or another writer would spell otherwise",
    body: (task) => queued(task, ',"odd":[1.0,1E2,-0,12345678901234567890,0.1000]'),
  },
  {
    name: "twice",
    why: "a key that is there twice, below what the gateway reads",
    body: (task) => queued(task, ',"odd":{"a":1,"a":2}'),
  },
  { name: "long", why: "the longest that is accepted", body: (task) => padded(task, 256 * 1024) },
];

test("each body arrives byte for byte, and every receiver accepts it", async () => {
  const sent = [];
  for (const { name, why, body } of BODIES) {
    const bytes = Buffer.from(body(name));
    const received = await deliver(name, bytes);
    assert.ok(received.body.equals(bytes), `${name}: ${why}`);
    sent.push(received);
  }
  for (const { name, accepts } of RECEIVERS) {
    const verdicts = await accepts(endpoint.secret, sent);
    const refused = BODIES.filter((_, place) => !verdicts[place]);
    assert.deepEqual(refused, [], `refused by ${name}`);
  }
});

test("a body that is no text is signed by its bytes, which no library of text can verify", async () => {
  const bytes = Buffer.concat([
    Buffer.from('{"task_id":"latin1","odd":"'),
    Buffer.from([0xe4, 0xff]),
  ]);
  const { headers, body } = await deliver("latin1", bytes);
  assert.ok(body.equals(bytes));
  assert.equal(headers["x-vtryon-outcome"], "quarantined");
  const mac = (key, ...parts) => {
    const hmac = createHmac("sha256", key);
    for (const part of parts) hmac.update(part);
    return hmac;
  };
  assert.equal(headers["x-vtryon-signature"], mac(endpoint.secret, bytes).digest("hex"));
  const key = Buffer.from(endpoint.secret.slice("whsec_".length), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
  assert.equal(headers["webhook-signature"], `v1,${mac(key, signed, bytes).digest("base64")}`);
});

const withBody = (change) => (sent) => ({ ...sent, body: Buffer.from(change(sent.body)) });
const withHeader = (name, change) => (sent) => ({
  ...sent,
  headers: { ...sent.headers, [name]: change(sent.headers[name]) },
});

/** What may happen to a delivery on its way, and who has to see it: the guide's scheme signs the body alone. */
const TAMPERED = [
  {
    name: "another status",
    by: RECEIVERS,
    change: withBody((body) => String(body).replace("queued", "failed")),
  },
  { name: "a blank more", by: RECEIVERS, change: withBody((body) => `${body} `) },
  { name: "a byte less", by: RECEIVERS, change: withBody((body) => body.subarray(1)) },
  {
    name: "parsed and written again",
    by: RECEIVERS,
    change: withBody((body) => JSON.stringify(JSON.parse(body), null, 1)),
  },
  { name: "another id", by: LIBRARIES, change: withHeader("webhook-id", (id) => `${id}0`) },
  {
    name: "another time",
    by: LIBRARIES,
    change: withHeader("webhook-timestamp", (time) => `${time - 1}`),
  },
  { name: "no signature", by: RECEIVERS, change: (sent) => ({ ...sent, headers: {} }) },
];

test("a modified delivery is refused, and so is one signed with another endpoint's secret", async () => {
  const sent = await deliver("tampered", queued("tampered", ""));
  const other = await gateway.register(`${backend.url}/other`, { enabled: false });
  for (const { name, accepts } of RECEIVERS) {
    const cases = TAMPERED.filter(({ by }) => by.some((receiver) => receiver.name === name));
    const verdicts = await accepts(endpoint.secret, [
      sent,
      ...cases.map(({ change }) => change(sent)),
    ]);
    const accepted = cases
      .filter((_, place) => verdicts[place + 1])
      .map((tampered) => tampered.name);
    assert.deepEqual([verdicts[0], accepted], [true, []], name);
    assert.deepEqual(await accepts(other.secret, [sent]), [false], name);
  }
});
