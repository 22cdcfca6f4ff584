// What an endpoint asks for by `retry-after`, in either of its forms. The schedule itself is tested on the engine.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { attempted, deliverEach, delivery } from "../support/deliveries.js";
import { Gateway } from "../support/gateway.js";

const WINDOW = 24 * 3_600_000;

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The pause before the first retry: the nominal one less the jitter, which comes of what is delivered. */
function pause(subject) {
  const head = sha256(sha256(subject), Buffer.from([0, 0, 0, 1])).readBigUInt64BE();
  return 110_000 - Number(head % 11_001n);
}

/** [the name, the header that answers the attempt of a time in seconds, when that asks for the next one] */
const CASES = [
  ["silent", () => undefined, () => 0],
  ["shorter", () => "5", (attempted_at) => attempted_at + 5_000],
  ["longer", () => "1200", (attempted_at) => attempted_at + 1_200_000],
  ["beyond", () => "172800", (attempted_at) => attempted_at + WINDOW],
  ["endless", () => "9".repeat(40), (attempted_at) => attempted_at + WINDOW],
  [
    "date",
    (timestamp) => new Date((timestamp + 1200) * 1000).toUTCString(),
    (attempted_at) => Math.floor(attempted_at / 1000) * 1000 + 1_200_000,
  ],
  [
    "date_beyond",
    (timestamp) => new Date((timestamp + 172_800) * 1000).toUTCString(),
    (attempted_at) => attempted_at + WINDOW,
  ],
  ["date_past", () => "Thu, 01 Jan 1970 00:00:00 GMT", () => 0],
  ["nonsense", () => "soon", () => 0],
  ["nonsense_with_a_number", () => "maintenance 49", () => 0],
  ["negative", () => "-5", () => 0],
];
const HEADERS = Object.fromEntries(CASES.map(([name, header]) => [name, header]));

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start(({ path, headers, response }) => {
    const value = HEADERS[path.slice(1)]?.(Number(headers["webhook-timestamp"]));
    response.writeHead(503, value === undefined ? {} : { "retry-after": value }).end();
  });
  await deliverEach(
    gateway,
    backend,
    CASES.map(([name]) => name),
  );
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

for (const [name, , asked] of CASES) {
  test(`an endpoint that fails and asks for a retry: ${name}`, async () => {
    const task_id = `task_${name}`;
    const { state, due_at, attempts } = await delivery(gateway, { task_id }, attempted);
    assert.deepEqual([state, attempts.length], ["pending", 1]);
    const attempted_at = Date.parse(attempts[0].attempted_at);
    const due = Math.max(attempted_at + pause(task_id), asked(attempted_at));
    assert.equal(due_at, new Date(due).toISOString());
  });
}
