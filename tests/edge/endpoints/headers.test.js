// Headers of an endpoint: each attempt has them, and nothing that is shown or logged has their values.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, attempted, delivery } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";

const KEY = "key-of-the-tests-0123456789";
const TOKEN = "token-of-the-tests-0123456789";

let gateway;
let backend;
let endpoint;
/** All that the API has answered about the endpoint. */
const answers = [];
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start();
  endpoint = await gateway.register(backend.url, {
    headers: { "CF-Access-Client-Secret": KEY, "x-note": "odd value" },
    auth: { type: "bearer", token: TOKEN },
  });
  answers.push(endpoint);
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

async function change(json) {
  const path = `/api/endpoints/${endpoint.id}`;
  const { status, body } = await gateway.api(path, { method: "PATCH", json });
  answers.push(body);
  return { status, body };
}

/** Delivers an event, and returns the headers of its last attempt. */
async function sent(task_id) {
  await acknowledged(gateway, event(task_id, "completed"));
  await delivery(gateway, { task_id });
  return backend.received.findLast(({ body }) => `${body}`.includes(task_id)).headers;
}

test("each attempt has them beside the gateway's own, retries too", async () => {
  backend.answer = "fail";
  await acknowledged(gateway, event("task_retried", "completed"));
  const { id } = await delivery(gateway, { task_id: "task_retried" }, attempted);
  backend.answer = "ok";
  await gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" });
  await delivery(gateway, { task_id: "task_retried" });
  assert.equal(backend.received.length, 2);
  for (const { headers } of backend.received) {
    assert.equal(headers["cf-access-client-secret"], KEY);
    assert.equal(headers["x-note"], "odd value");
    assert.equal(headers.authorization, `Bearer ${TOKEN}`);
    assert.equal(headers["content-type"], "application/json");
  }
});

test("a change replaces one set and leaves the other, and null clears it", async () => {
  const basic = { type: "basic", username: "shop", password: "open sesame" };
  const { body } = await change({ headers: { "x-new": "new" }, auth: basic });
  assert.deepEqual([body.headers, body.auth], [["x-new"], "basic"]);
  const headers = await sent("task_changed");
  assert.equal(
    headers.authorization,
    `Basic ${Buffer.from("shop:open sesame").toString("base64")}`,
  );
  assert.deepEqual([headers["x-new"], headers["x-note"]], ["new", undefined]);
  assert.equal((await change({ auth: null })).body.auth, null);
  const cleared = await sent("task_cleared");
  assert.deepEqual([cleared.authorization, cleared["x-new"]], [undefined, "new"]);
});

test("another origin is refused without them", async () => {
  const { status, body } = await change({ url: "https://other.example/hook" });
  assert.equal(status, 409);
  assert.match(body.message, /`url` has another origin/);
});

test("an answer that repeats a value is stored without it", async () => {
  await change({ headers: { "x-api-key": KEY }, auth: { type: "bearer", token: TOKEN } });
  const text = `${KEY} and Bearer ${TOKEN}, `;
  // Ten characters of the value are within the KiB that is stored.
  const filled = text.padEnd(1024 - 10, "x");
  backend.answer = ({ response }) => response.writeHead(500).end(filled + KEY);
  await acknowledged(gateway, event("task_repeated", "completed"));
  const { attempts } = await delivery(gateway, { task_id: "task_repeated" }, attempted);
  assert.match(attempts[0].answer, /^\[redacted\] and \[redacted\], x+\[redacted\]$/);
  backend.answer = "ok";
});

const PASSWORD = "open sesame";
const PAIR = Buffer.from(`shop:${PASSWORD}`).toString("base64");
const SPACED = "live_9f8e7d6c v2";

/** name: the answer of the endpoint, and what is stored of it */
const REPEATED = {
  "a value with a blank": [`unknown key ${SPACED}`, "unknown key [redacted]"],
  "a pair in base64": [`bad credentials ${PAIR}`, "bad credentials [redacted]"],
  "a decoded pair": [`no login shop:${PASSWORD}`, "no login [redacted]"],
  "a password": [`wrong password "${PASSWORD}"`, 'wrong password "[redacted]"'],
};

for (const [name, [text, stored]] of Object.entries(REPEATED)) {
  test(`an answer that repeats ${name} is stored without it`, async () => {
    const auth = { type: "basic", username: "shop", password: PASSWORD };
    await change({ headers: { "x-api-key": SPACED }, auth });
    backend.answer = ({ response }) => response.writeHead(400).end(text);
    const task_id = `task ${name}`;
    await acknowledged(gateway, event(task_id, "completed"));
    const { attempts } = await delivery(gateway, { task_id }, attempted);
    assert.equal(attempts[0].answer, stored);
    backend.answer = "ok";
  });
}

test("an answer that repeats the headers of the request is stored without signatures", async () => {
  const echoed = ["x-vtryon-signature", "webhook-signature", "webhook-id"];
  let sent;
  backend.answer = ({ headers, response }) => {
    sent = headers;
    const repeated = echoed.map((name) => `${name}: ${headers[name]}`);
    response.writeHead(500).end(repeated.join("\n"));
  };
  await acknowledged(gateway, event("task_echoed", "completed"));
  const { attempts } = await delivery(gateway, { task_id: "task_echoed" }, attempted);
  backend.answer = "ok";
  assert.match(sent["x-vtryon-signature"], /^[0-9a-f]{64}$/);
  assert.match(sent["webhook-signature"], /^v1,\S{44}$/);
  const stored = attempts[0].answer.split(/\s+/);
  assert.deepEqual(stored, [
    ...["x-vtryon-signature:", "[redacted]", "webhook-signature:", "[redacted]"],
    ...["webhook-id:", sent["webhook-id"]],
  ]);
});

test("no value is in an answer of the API or in the log", async () => {
  const { body } = await gateway.api(`/api/endpoints/${endpoint.id}`);
  assert.deepEqual([body.headers, body.auth], [["x-api-key"], "basic"]);
  const listed = await gateway.api("/api/deliveries");
  const shown = JSON.stringify([answers, body, listed.body]) + (await gateway.wholeLog());
  for (const value of [KEY, TOKEN, PASSWORD, PAIR, SPACED, "odd value"]) {
    assert.ok(!shown.includes(value), value);
  }
});
