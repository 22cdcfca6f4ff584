// The flow that all adapters share, with every part that a user brings gone wrong.

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { mock, test } from "node:test";
import { Hono } from "hono";
import { verify, WebhookError } from "vtryon-webhooks";
import { vtryonWebhooks as forHono } from "vtryon-webhooks/hono";
import { vtryonWebhooks as forNode } from "vtryon-webhooks/node";
import { MemoryStore } from "vtryon-webhooks/stores";
import { vtryonWebhooks } from "vtryon-webhooks/web";
import { within } from "../../../tests/support/wait.js";
import { BODY, SECRET, sign } from "../support/completed-event.js";

// By its path, since the package does not export it.
const { callCore } = await import(new URL("../../dist/esm/core/engine.js", import.meta.url));

const taken = () => {};

/** A deadline that passes soon, and yet not before a busy machine has come to the handler. */
const DEADLINE_MS = 500;

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const throwing = (fault) => () => {
  throw fault;
};

function request({ body = BODY, signature = sign(body === "{}" ? body : BODY) } = {}) {
  const headers = { "x-vtryon-signature": signature };
  return new Request("https://shop.example/", { method: "POST", body, headers, duplex: "half" });
}

/** A body that begins and never ends. */
const endless = () =>
  new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode(BODY)) });

/** A body that breaks off. */
const broken = () => new ReadableStream({ start: (stream) => stream.error(new Error("aborted")) });

const store = (parts) => ({
  claim: () => ({ state: "claimed", fence: 1 }),
  commit: () => true,
  release: taken,
  ...parts,
});
const claims = (claim) => ({ store: store({ claim: () => claim }) });
function* generator() {}
async function* asyncGenerator() {}
/** What a handler may return: nobody reads it. */
const unreadableResult = {
  get [Symbol.toStringTag]() {
    throw new Error("mine");
  },
};
const newer = new WebhookError("a_code_to_come", 400, "text", "text");
const unauthorized = throwing(new WebhookError("signature_mismatch", 401, "text", "text"));

// What goes wrong, the options, the answer, how long to wait, and whether the default log tells of it.
for (const [name, options, status, retryAfter, logged, sent] of [
  ["nothing", {}, 200, null, 0],
  ["a handler throws", { onEvent: throwing(new Error("gone")) }, 503, "10", 1],
  ["a handler throws nothing", { onEvent: throwing(undefined) }, 503, "10", 1],
  ["a handler throws what throws", { onEvent: throwing(revoked()) }, 503, "10", 1],
  ["a handler rejects", { onEvent: async () => verify("", "", SECRET) }, 503, "10", 1],
  ["a handler is refused itself", { onEvent: unauthorized }, 503, "10", 1],
  ["a handler returns a generator", { onEvent: () => generator() }, 503, "10", 1],
  ["a handler resolves to one", { onEvent: async () => asyncGenerator() }, 503, "10", 1],
  [
    "a quarantine returns a generator",
    { onQuarantine: () => generator() },
    503,
    "10",
    1,
    () => ({ body: "{}" }),
  ],
  ["a handler returns what can't be read", { onEvent: () => unreadableResult }, 200, null, 0],
  ["a store fails", { store: store({ claim: throwing(new Error("gone")) }) }, 503, "10", 1],
  ["a store is refused", { store: store({ claim: unauthorized }) }, 503, "10", 1],
  ["a store knows more codes", { store: store({ claim: throwing(newer) }) }, 503, "10", 1],
  ["a store throws what throws", { store: store({ commit: throwing(revoked()) }) }, 503, "10", 1],
  ["a claim is nothing", claims(undefined), 503, "10", 1],
  ["a claim is no claim", claims({ state: "leased", fence: 1 }), 503, "10", 1],
  ["a claim is a text", claims("claimed"), 503, "10", 1],
  ["a lease is lost", { store: store({ commit: () => false }) }, 503, "10", 1],
  ["busy", claims({ state: "busy", retryAfterMs: 1500 }), 503, "2", 0],
  ["busy for no time", claims({ state: "busy", retryAfterMs: 0 }), 503, "1", 0],
  ["busy for ever", claims({ state: "busy", retryAfterMs: Infinity }), 503, "10", 0],
  ["busy for what is no number", claims({ state: "busy", retryAfterMs: "soon" }), 503, "10", 0],
  ["busy for a symbol", claims({ state: "busy", retryAfterMs: Symbol("soon") }), 503, "10", 0],
  ["done", claims({ state: "done" }), 200, null, 0],
  ["signed, but no event", {}, 400, null, 1, () => ({ body: "{}" })],
  ["a wrong signature", {}, 401, null, 1, () => ({ signature: "0".repeat(64) })],
  ["a malformed signature", {}, 401, null, 0, () => ({ signature: "0".repeat(63) })],
  ["an empty signature", {}, 401, null, 0, () => ({ signature: "" })],
  ["a body breaks off", {}, 400, null, 0, () => ({ body: broken() })],
  ["a body never ends", { deadlineMs: 50 }, 408, null, 0, () => ({ body: endless() })],
  [
    "a handler never ends",
    { deadlineMs: DEADLINE_MS, onEvent: () => new Promise(taken) },
    503,
    "10",
    1,
  ],
]) {
  test(`${name}: ${status}`, async (t) => {
    const log = t.mock.method(console, "error", taken);
    const handler = vtryonWebhooks({ secrets: SECRET, onEvent: taken, ...options });
    const answer = await handler(request(sent?.()));
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("retry-after"), retryAfter);
    assert.equal(log.mock.callCount(), logged);
    // The same with somebody else to tell, who fails too.
    for (const onError of [
      throwing(new Error("no log")),
      async () => throwing(new Error("no log"))(),
    ]) {
      const other = vtryonWebhooks({ secrets: SECRET, onEvent: taken, ...options, onError });
      assert.equal((await other(request(sent?.()))).status, status);
    }
    assert.equal(log.mock.callCount(), logged);
  });
}

for (const [option, body] of [
  ["onEvent", BODY],
  ["onQuarantine", "{}"],
]) {
  test(`a generator that \`${option}\` returns is not remembered as handled, and the log names it`, async (t) => {
    const log = t.mock.method(console, "error", taken);
    const options = { secrets: SECRET, onEvent: taken, store: new MemoryStore() };
    const receive = vtryonWebhooks({ ...options, [option]: () => generator() });
    for (let times = 0; times < 2; times += 1) {
      assert.equal((await receive(request({ body }))).status, 503);
    }
    for (const {
      arguments: [, text],
    } of log.mock.calls) {
      assert.ok(text.startsWith(`invalid_option: \`${option}\` returned a generator`), text);
    }
    assert.equal(log.mock.callCount(), 2);
  });
}

test("a generator that `onError` returns is named by the log, since nobody got the error", async (t) => {
  const log = t.mock.method(console, "error", taken);
  for (const onError of [() => generator(), async () => asyncGenerator()]) {
    const receive = vtryonWebhooks({ secrets: SECRET, onEvent: unauthorized, onError });
    assert.equal((await receive(request())).status, 503);
    await new Promise((rested) => setImmediate(rested));
  }
  const text = "invalid_option: `onError` returned a generator, and nothing iterates over it";
  const logged = log.mock.calls.map((call) => call.arguments);
  assert.deepEqual(logged, Array(2).fill(["vtryon-webhooks:", text]));
});

/** Has the core trap, so that the next call would start it again, which fails until the test has ended. */
function stopCore(t) {
  t.mock.method(WebAssembly, "Instance", throwing(new RangeError("could not allocate memory")));
  const trap = throwing(new WebAssembly.RuntimeError("unreachable"));
  assert.throws(() => callCore(trap), { code: "unavailable" });
}

// What a request waits for while the core stops, and what its sender does then.
for (const [name, options, act] of [
  ["secrets that never come", { secrets: () => new Promise(taken) }, taken],
  ["a body that never ends", {}, taken],
  ["a body that gets too long", {}, (sent) => sent.write(Buffer.alloc(300 * 1024))],
  ["a body that is cut off", {}, (sent) => sent.destroy()],
]) {
  test(`the core can't be started again, ${name}: 503, and nothing is thrown outside`, async (t) => {
    const faults = [];
    const onError = ({ code }) => faults.push(code);
    const receive = forNode({
      secrets: SECRET,
      deadlineMs: DEADLINE_MS,
      onEvent: taken,
      onError,
      ...options,
    });
    const headers = { "x-vtryon-signature": sign(BODY) };
    const sent = Object.assign(new PassThrough(), { method: "POST", headers });
    const answered = Promise.withResolvers();
    receive(sent, { writeHead: answered.resolve, end: taken });
    await new Promise((rested) => setImmediate(rested));
    stopCore(t);
    act(sent);
    assert.equal(await within("the answer", answered.promise), 503);
    assert.deepEqual(faults, ["unavailable"]);
  });
}

test("an event that is ready after the deadline is not handled", async () => {
  const onEvent = mock.fn();
  const answered = Promise.withResolvers();
  const released = Promise.withResolvers();
  const late = {
    claim: (_key, _leaseMs) => answered.promise.then(() => ({ state: "claimed", fence: 7 })),
    release: (_key, fence) => released.resolve(fence),
  };
  const faults = [];
  const onError = ({ code }) => faults.push(code);
  const options = { secrets: SECRET, deadlineMs: DEADLINE_MS, onEvent, onError };
  let givenUp = false;
  const slow = new ReadableStream({
    start: (stream) => stream.enqueue(new TextEncoder().encode(BODY)),
    cancel() {
      givenUp = true;
    },
  });
  assert.equal((await vtryonWebhooks(options)(request({ body: slow }))).status, 408);
  assert.ok(givenUp, "the body was given up");
  const answer = await vtryonWebhooks({ ...options, store: store(late) })(request());
  assert.equal(answer.status, 503);
  answered.resolve();
  assert.equal(await within("the claim to be given back", released.promise), 7);
  await new Promise((rested) => setImmediate(rested));
  assert.equal(onEvent.mock.callCount(), 0);
  assert.deepEqual(faults, ["body_timeout", "unavailable"], "each request once");
});

test("a body whose secret comes after the deadline is not read", async () => {
  const late = Promise.withResolvers();
  const body = endless();
  const secrets = () => late.promise;
  const handler = vtryonWebhooks({ secrets, deadlineMs: 50, onEvent: taken, onError: taken });
  assert.equal((await handler(request({ body }))).status, 503);
  late.resolve(SECRET);
  await new Promise((rested) => setImmediate(rested));
  assert.equal(body.locked, false);
});

test("a body without a stream that breaks off is the sender's fault: 400", async (t) => {
  const log = t.mock.method(console, "error", taken);
  const reject = async () => throwing(new TypeError("terminated"))();
  const sent = Object.defineProperties(request(), {
    body: { value: undefined },
    arrayBuffer: { value: reject },
  });
  const answer = await vtryonWebhooks({ secrets: SECRET, onEvent: taken })(sent);
  assert.deepEqual([answer.status, (await answer.json()).error], [400, "incomplete_body"]);
  const app = new Hono();
  // A middleware has read it, or has tried to.
  app.use(async ({ req }, next) => {
    await req.arrayBuffer().catch(taken);
    await next();
  });
  app.post("/", forHono({ secrets: SECRET, onEvent: taken }));
  assert.equal((await app.request(request({ body: broken() }))).status, 400);
  assert.equal(log.mock.callCount(), 0);
});

test("a claim that can't be released is reported beside the first error", async () => {
  const faults = [];
  const options = {
    secrets: SECRET,
    store: store({ release: throwing(new Error("no database")) }),
    onEvent: throwing(new Error("no paper")),
    onError: (fault) => faults.push(fault.message),
  };
  assert.equal((await vtryonWebhooks(options)(request())).status, 503);
  assert.deepEqual(faults, ["no database", "no paper"]);
});

test("an error after the deadline is reported", async () => {
  const faults = [];
  const reported = Promise.withResolvers();
  const onEvent = (_event, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => setImmediate(reject, new Error("too late")));
    });
  const onError = (fault) => faults.push(fault.message) === 2 && reported.resolve();
  const options = { secrets: SECRET, deadlineMs: DEADLINE_MS, onEvent, onError };
  await vtryonWebhooks(options)(request());
  await within("both faults", reported.promise);
  assert.deepEqual(faults, ["the deadline has passed", "too late"]);
});

/** A request whose `body` is what a test says, and whose bytes are there all the same. */
function withBody(descriptor, more = {}) {
  return Object.defineProperties(request(), { body: descriptor, ...more });
}
const noBytes = { arrayBuffer: { value: throwing(new Error("no bytes")) } };

// What the body is, what is answered, and what the log tells: also the reason where there is no signature to trust.
for (const [name, sent, status, logged] of [
  ["a getter that throws", withBody({ get: throwing(new Error("no body")) }), 200, []],
  ["absent", withBody({ value: undefined }), 200, []],
  ["an object of another kind", withBody({ value: { on() {} } }), 200, []],
  [
    "a getter that throws, and there are no bytes",
    withBody({ get: throwing(new Error("no body")) }, noBytes),
    503,
    [/^unavailable: Error was thrown\n/],
  ],
  [
    "absent, and nothing can be read",
    withBody({ value: undefined }, { arrayBuffer: { value: undefined } }),
    500,
    [/^payload_not_raw: the request has neither/],
  ],
  [
    "a stream that gives a text",
    withBody({ value: new ReadableStream({ start: (stream) => stream.enqueue(BODY) }) }),
    500,
    [/^payload_not_raw/],
  ],
  [
    "a stream whose reader throws",
    withBody({ value: { getReader: throwing(new Error("no reader")) } }),
    503,
    [/^unavailable: Error was thrown\n/],
  ],
]) {
  test(`the body is ${name}: ${status}`, async (t) => {
    const log = t.mock.method(console, "error", taken);
    const answer = await vtryonWebhooks({ secrets: SECRET, onEvent: taken })(sent);
    assert.equal(answer.status, status, await answer.text());
    assert.equal(log.mock.callCount(), logged.length);
    for (const [nth, words] of logged.entries()) {
      assert.match(log.mock.calls[nth].arguments[1], words);
    }
  });
}

for (const [name, status, makeRequest] of [
  ["an error of reading", 503, () => withBody({ get: throwing(new Error("no body")) }, noBytes)],
  ["a wrong signature", 401, () => request({ signature: "0".repeat(64) })],
]) {
  test(`${name}, which anybody can cause, is logged once in ten seconds, with its count`, async (t) => {
    const log = t.mock.method(console, "error", taken);
    let now = 5000;
    t.mock.method(performance, "now", () => now);
    t.mock.timers.enable({ apis: ["Date"], now: 3_600_000 });
    const receive = vtryonWebhooks({ secrets: SECRET, onEvent: taken });
    const fail = () => receive(makeRequest());
    for (let times = 0; times < 50; times += 1) assert.equal((await fail()).status, status);
    assert.equal(log.mock.callCount(), 1);
    // The clock of the machine is set back by an hour meanwhile, which changes nothing.
    t.mock.timers.setTime(0);
    now += 10_000;
    await fail();
    assert.deepEqual(
      log.mock.calls.map(({ arguments: [, , more] }) => more),
      [undefined, "(and 49 times before)"],
    );
  });
}

class DatabaseError extends Error {
  detail = "Key (task_id)=(task_secret) already exists.";
}
const QUOTED = "duplicate key task_secret\n    at task_secret (x.js:1:2)";

// What is thrown, what the log says of it, and whether it says where.
for (const [name, make, says, hasFrames] of [
  ["an error of a database", () => new DatabaseError(QUOTED), "DatabaseError was thrown", true],
  ["an error without a message", () => new TypeError(), "TypeError was thrown", true],
  [
    "an error with a cause",
    () => new Error("x", { cause: new Error(QUOTED) }),
    "Error was thrown",
    true,
  ],
  [
    "an error whose message was changed",
    () => {
      const error = new RangeError(QUOTED);
      // Written when it is first read, by the message that there is then.
      assert.match(error.stack, /task_secret/);
      return Object.assign(error, { message: "x" });
    },
    "RangeError was thrown",
    false,
  ],
  [
    "an error whose name quotes",
    () => Object.assign(new Error(QUOTED), { name: "about task_secret" }),
    "Error was thrown",
    true,
  ],
  ["an object", () => ({ task_id: "task_secret" }), "Error was thrown", false],
  ["a text", () => "task_secret", "a value of type string was thrown", false],
  ["nothing", () => undefined, "a value of type undefined was thrown", false],
  ["what throws", () => revoked(), "a value that can't be read was thrown", false],
]) {
  test(`the log quotes nothing of what a handler throws, onError gets it: ${name}`, async (t) => {
    const log = t.mock.method(console, "error", taken);
    const thrown = make();
    const options = { secrets: SECRET, onEvent: throwing(thrown) };
    assert.equal((await vtryonWebhooks(options)(request())).status, 503);
    const [first, text, ...more] = log.mock.calls[0].arguments;
    assert.deepEqual([first, more], ["vtryon-webhooks:", []]);
    const [head, ...frames] = text.split("\n");
    assert.equal(head, `unavailable: ${says}`);
    assert.equal(frames.length > 0, hasFrames);
    for (const frame of frames) assert.match(frame, /^ +at /);
    assert.doesNotMatch(text, /task_secret/);
    let reported;
    const onError = (error) => {
      reported = error;
    };
    await vtryonWebhooks({ ...options, onError })(request());
    assert.ok(Object.is(reported, thrown));
  });
}

const unreadable = new Proxy({}, { get: throwing(new Error("mine")) });
for (const [name, options] of [
  ["no options", undefined],
  ["null", null],
  ["options that throw", unreadable],
  ["one secret by another name", { secret: SECRET }],
  ["a store by another name", { storage: new MemoryStore() }],
  ["a tolerance by another name", { scheme: "standard-webhooks", tolerance: 300 }],
  ["no handler", { onEvent: undefined }],
  ["a handler that is none", { onEvent: "log" }],
  ["a handler that is a generator", { *onEvent() {} }],
  ["a handler that is an async generator", { async *onEvent() {} }],
  ["a bound generator", { onEvent: function* () {}.bind(undefined) }],
  ["a quarantine that is a generator", { *onQuarantine() {} }],
  ["secrets that are a generator", { *secrets() {} }],
  ["a quarantine that is none", { onQuarantine: "keep" }],
  ["an error handler that is none", { onError: console }],
  ["a store that is none", { store: {} }],
  ["a store that throws", { store: unreadable }],
  ...["deadlineMs", "leaseMs", "ttlMs", "maxBodyBytes"].flatMap((option) =>
    [0, -1, 0.5, Number.NaN, Infinity, "60000", 60000n, Symbol("long"), null, {}].map((value) => [
      `${option}: ${String(value)}`,
      { [option]: value },
    ]),
  ),
  ["a lease shorter than the deadline", { leaseMs: 5000 }],
  ["a TTL of a day", { ttlMs: 24 * 60 * 60 * 1000 }],
]) {
  test(`refused at construction: ${name}`, () => {
    const all =
      options && options !== unreadable ? { secrets: SECRET, onEvent: taken, ...options } : options;
    assert.throws(
      () => vtryonWebhooks(all),
      (error) => WebhookError.is(error) && error.code === "invalid_option",
    );
  });
}

test("an option that is undefined is left out, whatever its name", () => {
  vtryonWebhooks({ secrets: SECRET, onEvent: taken, store: undefined, storage: undefined });
});

test("a lease is at least as long as the deadline", () => {
  const options = { secrets: SECRET, onEvent: taken, deadlineMs: 120_000 };
  vtryonWebhooks({ ...options, store: new MemoryStore() });
});
