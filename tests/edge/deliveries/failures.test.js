// What a backend may do to a delivery, and what is recorded of it: the status, the error, and of a failure the first KiB
// of the answer, without control characters.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ANSWERS, Backend } from "../support/backends/backend.js";
import { acknowledged, attempted, deliverEach, delivery, named } from "../support/deliveries.js";
import { Gateway } from "../support/gateway.js";

const LONG = "0123456789abcdef".repeat(300);

/** Control characters of either range, an escape sequence, turned directions, a tag, half a surrogate pair, no UTF-8. */
const ODD = Buffer.concat([
  Buffer.from("a\0b\x1b[2Jc\x7f\u0085\u202ed\u2066e\u200b\u2028\u{e0041}f\r\n\tg\u00e9"),
  Buffer.from([0xed, 0xa0, 0x80, 0xff, 0x68]),
]);
const PRINTED =
  "a\ufffdb\ufffd[2Jc\ufffd\ufffd\ufffdd\ufffde\ufffd\ufffd\ufffdf   g\u00e9\ufffd\ufffd\ufffd\ufffdh";
const status =
  (code, text = "") =>
  ({ response }) =>
    response.writeHead(code).end(text);

/** [the name, what the backend does, the state, what the attempt says] */
const CASES = [
  ["ok", ANSWERS.ok, "delivered", { status: 200, answer: "" }],
  ["no_content", status(204), "delivered", { status: 204, answer: "" }],
  ["accepted", status(299, "later"), "delivered", { status: 299, answer: "" }],
  ["drip", ANSWERS.drip, "delivered", { status: 200, answer: "" }],
  ["torn", torn(200), "delivered", { status: 200, answer: "" }],
  ["long", status(200, LONG), "delivered", { status: 200, answer: "" }],
  ["odd", status(200, ODD), "delivered", { status: 200, answer: "" }],
  ["odd_fail", status(500, ODD), "pending", { status: 500, answer: PRINTED }],
  ["slow", slow, "delivered", { status: 200, answer: "" }],
  ["fail", ANSWERS.fail, "pending", { status: 500, answer: "broken" }],
  ["torn_fail", torn(503), "pending", { status: 503, answer: "part" }],
  ["bad_request", status(400, LONG), "pending", { status: 400, answer: LONG.slice(0, 1024) }],
  ["gone", ANSWERS.gone, "pending", { status: 410, answer: "" }],
  ["unauthorized", ANSWERS.unauthorized, "pending", { status: 401, answer: "who are you" }],
  ["not_modified", status(304), "pending", { status: 304, answer: "" }],
  ["redirect", ANSWERS.redirect, "pending", { status: 302, answer: "" }],
  ["hang", ANSWERS.hang, "pending", { status: undefined, error: "timeout", answer: "" }],
  ["close", ANSWERS.close, "pending", { status: undefined, error: "connection", answer: "" }],
  ["garbage", garbage, "pending", { status: undefined, error: "connection", answer: "" }],
];
const BEHAVIOURS = Object.fromEntries(CASES.map(([name, does]) => [name, does]));

/** Begins an answer and goes away in the middle of it. */
function torn(code) {
  return ({ request, response }) => {
    response.writeHead(code, { "content-length": "100" });
    response.write("part", () => setImmediate(() => request.socket.destroy()));
  };
}

/** Takes its time, but less than it may. */
function slow({ response }) {
  setTimeout(() => response.end("at last"), 3000);
}

/** Answers, but not in HTTP. */
function garbage({ request }) {
  request.socket.end("SMTP 220 hello\r\n\r\n");
}

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start((exchange) => BEHAVIOURS[exchange.path.slice(1)]?.(exchange));
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

for (const [name, , state, expected] of CASES) {
  test(`a backend that answers so: ${name}`, async () => {
    const task_id = `task_${name}`;
    const stored = await delivery(gateway, { task_id }, attempted);
    assert.equal(stored.state, state);
    assert.equal(stored.attempts.length, 1);
    const [attempt] = stored.attempts;
    const actual = Object.fromEntries(Object.keys(expected).map((key) => [key, attempt[key]]));
    assert.deepEqual(actual, expected);
    assert.equal(
      attempt.error === undefined,
      attempt.status !== undefined,
      "one of them, not both",
    );
    assert.equal(stored.due_at === null, state === "delivered", "what has failed is due again");
    const sent = backend.received.filter(({ path }) => path === `/${name}`);
    assert.deepEqual(
      sent.map(({ body }) => String(body)),
      [named(name)],
    );
  });
}

test("a redirect is not followed, and nothing else is asked of the backend", () => {
  const paths = backend.received.map(({ path }) => path.slice(1)).sort();
  assert.deepEqual(paths, CASES.map(([name]) => name).sort());
});

test("a backend that isn't there", async () => {
  const closed = await Backend.start();
  await closed.stop();
  await gateway.register(closed.url, { events: ["nobody"] });
  await acknowledged(gateway, named("nobody"));
  const stored = await delivery(gateway, { task_id: "task_nobody" }, attempted);
  assert.equal(stored.state, "pending");
  assert.deepEqual(
    [stored.attempts[0].status, stored.attempts[0].error],
    [undefined, "connection"],
  );
});
