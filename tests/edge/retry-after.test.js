// The schedule of retries, on a clock that runs through its day in seconds: every stored `due_at` is that of
// the rule, reckoned here once more, and no attempt is made before it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { Backend } from "./support/backend.js";
import { acknowledged, delivery, faster, named } from "./support/deliveries.js";
import { Gateway } from "./support/gateway.js";

const ATTEMPTS = 6;
const WINDOW = 24 * 3_600_000;
/** The longest pause lasts six seconds. */
const CLOCK = faster(12_000);

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The pause before a retry: the nominal one less the jitter, which comes of what is delivered. */
function pause(subject, retry) {
  const nominal = 110_000 * 5 ** (retry - 1);
  const number = Buffer.alloc(4);
  number.writeUInt32BE(retry);
  const head = sha256(sha256(subject), number).readBigUInt64BE();
  return nominal - Number(head % BigInt(nominal / 10 + 1));
}

/** [the name, the header that answers an attempt, when that asks for the next one] */
const CASES = [
  ["silent", () => undefined, () => 0],
  ["shorter", () => "5", ({ attempted_at }) => attempted_at + 5_000],
  ["longer", () => "1200", ({ attempted_at }) => attempted_at + 1_200_000],
  ["beyond", () => "172800", ({ first_at }) => first_at + WINDOW],
  ["endless", () => "9".repeat(40), ({ first_at }) => first_at + WINDOW],
  [
    "date",
    (timestamp) => new Date((timestamp + 1200) * 1000).toUTCString(),
    ({ attempted_at }) => Math.floor(attempted_at / 1000) * 1000 + 1_200_000,
  ],
  [
    "date_beyond",
    (timestamp) => new Date((timestamp + 172_800) * 1000).toUTCString(),
    ({ first_at }) => first_at + WINDOW,
  ],
  ["date_past", () => "Thu, 01 Jan 1970 00:00:00 GMT", () => 0],
  ["nonsense", () => "soon", () => 0],
  ["negative", () => "-5", () => 0],
];
const HEADERS = Object.fromEntries(CASES.map(([name, header]) => [name, header]));

let gateway;
let backend;
let unreadable;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: CLOCK });
  backend = await Backend.start(({ path, headers, response }) => {
    const value = HEADERS[path.slice(1)]?.(Number(headers["webhook-timestamp"]));
    response.writeHead(503, value === undefined ? {} : { "retry-after": value }).end();
  });
  for (const [name] of CASES) {
    await gateway.register(new URL(`/${name}`, backend.url).href, { events: [name] });
  }
  unreadable = await gateway.register(new URL("/unreadable", backend.url).href, {
    events: ["none"],
    include: ["quarantined"],
  });
  await acknowledged(gateway, ...CASES.map(([name]) => named(name)), "no json");
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

/** Holds a delivery that has failed for good to the rule. */
function judge({ state, reason, due_at, created_at, attempts }, subject, asked) {
  assert.deepEqual([state, reason, due_at], ["dead", "exhausted", null]);
  assert.deepEqual(
    attempts.map(({ attempt, status }) => [attempt, status]),
    Array.from({ length: ATTEMPTS }, (_, n) => [n + 1, 503]),
  );
  const times = attempts.map((each) => ({
    due_at: Date.parse(each.due_at),
    attempted_at: Date.parse(each.attempted_at),
  }));
  const first_at = times[0].attempted_at;
  for (const [n, { due_at, attempted_at }] of times.entries()) {
    const before = times[n - 1];
    const due =
      n === 0
        ? Date.parse(created_at)
        : Math.max(
            before.attempted_at + pause(subject, n),
            asked({ first_at, attempted_at: before.attempted_at }),
          );
    assert.equal(new Date(due_at).toISOString(), new Date(due).toISOString(), `attempt ${n + 1}`);
    assert.ok(attempted_at >= due_at, `attempt ${n + 1} is made ${due_at - attempted_at} ms early`);
  }
}

for (const [name, , asked] of CASES) {
  test(`an endpoint that fails and asks for a retry: ${name}`, async () => {
    const task_id = `task_${name}`;
    judge(await delivery(gateway, { task_id }), task_id, asked);
    const sent = backend.received.filter(({ path }) => path === `/${name}`);
    assert.deepEqual(
      sent.map(({ headers }) => headers["x-vtryon-attempt"]),
      ["1", "2", "3", "4", "5", "6"],
    );
    assert.equal(new Set(sent.map(({ headers }) => headers["webhook-id"])).size, 1);
  });
}

test("the jitter of an unreadable body is derived from the body", async () => {
  const dead = await delivery(gateway, { state: "dead", endpoint: unreadable.id }, () => true);
  judge(dead, "no json", () => 0);
});
