// An endpoint may take as long as its `timeout_seconds` says, whoever makes the attempt.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, attempted, delivery, named } from "../support/deliveries.js";
import { Gateway } from "../support/gateway.js";

/** How long the backend takes, in milliseconds: longer than the shortest timeout. */
const TAKES = 1500;

/**
 * [the timeout, the state, the error]: the shortest one, the longest for which the Worker makes the first attempt, and
 * one that leaves it to the shard
 */
const CASES = [
  [1, "pending", "timeout"],
  [20, "delivered", undefined],
  [30, "delivered", undefined],
];

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
  backend = await Backend.start(({ response }) => setTimeout(() => response.end("ok"), TAKES));
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

for (const [timeout_seconds, state, error] of CASES) {
  test(`${timeout_seconds} seconds: ${state}`, async () => {
    const name = `timeout_${timeout_seconds}`;
    const endpoint = await gateway.register(backend.url, { events: [name], timeout_seconds });
    assert.equal(endpoint.timeout_seconds, timeout_seconds);
    await acknowledged(gateway, named(name));
    const stored = await delivery(gateway, { task_id: `task_${name}` }, attempted);
    assert.deepEqual([stored.state, stored.attempts[0].error], [state, error]);
  });
}
