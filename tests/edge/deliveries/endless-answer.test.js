// A backend that answers without an end: the attempt ends, and so does the connection.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { attempted, deliverEach, delivery } from "../support/deliveries.js";
import { Gateway, until } from "../support/gateway.js";

const TEXT = "0123456789abcdef".repeat(4096);

/** The path, with the status it is answered with, and what is stored. */
const CASES = {
  endless_success: { status: 200, state: "delivered", answer: "" },
  endless_failure: { status: 500, state: "pending", answer: TEXT.slice(0, 1024) },
};

const cutOff = new Set();

/** Sends as long as it is let. */
function sendOn({ path, response }) {
  const name = path.slice(1);
  response.on("close", () => cutOff.add(name));
  response.writeHead(CASES[name].status);
  const send = () => {
    while (response.write(TEXT));
    response.once("drain", send);
  };
  send();
}

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start(sendOn);
  await deliverEach(gateway, backend, Object.keys(CASES));
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

for (const [name, { status, state, answer }] of Object.entries(CASES)) {
  test(`an answer without an end is cut off: ${name}`, async () => {
    const stored = await delivery(gateway, { task_id: `task_${name}` }, attempted);
    assert.equal(stored.state, state);
    assert.deepEqual([stored.attempts[0].status, stored.attempts[0].answer], [status, answer]);
    await until(() => cutOff.has(name));
  });
}
