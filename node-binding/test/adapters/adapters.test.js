// Every adapter answers alike, over real connections.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "node:test";
import { verify } from "vtryon-webhooks";
import { MemoryStore } from "vtryon-webhooks/stores";
import { until } from "../../../tests/support/wait.js";
import { ADAPTERS, EATEN } from "../support/adapters.js";
import { BODY, post, SECRET, sign } from "../support/completed-event.js";

const LONG = Buffer.alloc(300 * 1024, "x");
const UNREADABLE = "{";

/** Sends a request line by line; a `body` that is a list comes in pieces, without a declared length. */
async function send(url, { method = "POST", headers = {}, body = BODY, signature = sign(body) }) {
  const message = request(url, {
    method,
    // A connection of its own: after an early answer a server may close it.
    agent: false,
    headers: {
      "content-type": "application/json",
      ...(signature === null ? {} : { "x-vtryon-signature": signature }),
      ...(Array.isArray(body) || method === "GET"
        ? {}
        : { "content-length": Buffer.byteLength(body) }),
      ...headers,
    },
  });
  // An answer may come, and the connection end, before all is sent.
  const answered = once(message, "response");
  message.on("error", () => {});
  for (const piece of Array.isArray(body) ? body : [body]) {
    if (method !== "GET") message.write(piece);
  }
  message.end();
  const [response] = await answered;
  const chunks = await Array.fromAsync(response);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: JSON.parse(Buffer.concat(chunks)),
  };
}

const unauthorized = { status: 401, error: "unauthorized" };
const taken = { status: 200, events: 1 };

/** What each request is answered, and how many events come of it. */
const CASES = {
  "a good one": [{}, taken],
  "in pieces": [{ body: [BODY.slice(0, 9), BODY.slice(9)], signature: sign(BODY) }, taken],
  "in capitals": [{ signature: sign(BODY).toUpperCase() }, taken],
  "no content type": [{ headers: { "content-type": "" } }, taken],
  "a form, it says": [{ headers: { "content-type": "application/x-www-form-urlencoded" } }, taken],
  "no signature": [{ signature: null }, unauthorized],
  "an empty signature": [{ signature: "" }, unauthorized],
  "a short signature": [{ signature: "ab" }, unauthorized],
  "the signature of another secret": [{ signature: sign(BODY, "whsec_other") }, unauthorized],
  "two signatures": [{ signature: [sign(BODY), sign(BODY)] }, unauthorized],
  "bytes added": [{ body: `${BODY}\n`, signature: sign(BODY) }, unauthorized],
  "too long": [
    { body: LONG, signature: sign(LONG) },
    { status: 413, error: "payload_too_large" },
  ],
  "too long, in pieces": [
    { body: [LONG, LONG], signature: sign(LONG) },
    { status: 413, error: "payload_too_large" },
  ],
  "signed, but not JSON": [{ body: UNREADABLE }, { status: 400, error: "invalid_json" }],
  "another method": [{ method: "GET" }, { status: 405, error: "method_not_allowed" }],
};

/** What a framework's own parser says of these is its own affair, as long as it is no 2xx and no 5xx. */
const PARSED_BEFORE = /json/;
const ITS_OWN = new Set(["signed, but not JSON", "too long", "too long, in pieces"]);

for (const [adapter, start] of Object.entries(ADAPTERS)) {
  test(adapter, async (t) => {
    const events = [];
    const server = await start({
      secrets: SECRET,
      onEvent: (event, context) => void events.push([event, context]),
      onError: () => {},
    });
    t.after(server.stop);
    for (const [name, [sent, expected]] of Object.entries(CASES)) {
      await t.test(name, async () => {
        events.length = 0;
        if (PARSED_BEFORE.test(adapter) && ITS_OWN.has(name)) {
          const response = await fetch(server.url, { method: "POST", body: sent.body?.[0] ?? "" });
          assert.ok(response.status >= 400 && response.status < 500);
          return;
        }
        const { status, headers, body } = await send(server.url, sent);
        assert.equal(status, expected.status, JSON.stringify(body));
        assert.equal(body.error, expected.error);
        assert.equal(events.length, expected.events ?? 0);
        assert.match(headers["content-type"], /^application\/json/);
        assert.equal(headers.allow, status === 405 ? "POST" : undefined);
        for (const [event, context] of events) {
          assert.equal(event.result_url, "https://cdn.example/4k.png");
          assert.equal(Buffer.from(context.payload).toString(), BODY);
          assert.equal(context.idempotencyKey, "status:completed:task_1");
          assert.equal(context.secretIndex, 0);
        }
      });
    }
  });

  test(`${adapter}: a duplicate during handling is answered 503`, async (t) => {
    const { promise, resolve } = Promise.withResolvers();
    const started = Promise.withResolvers();
    let handled = 0;
    const server = await start({
      secrets: SECRET,
      store: new MemoryStore(),
      async onEvent() {
        handled += 1;
        started.resolve();
        await promise;
      },
    });
    t.after(server.stop);
    const first = post(server.url);
    await started.promise;
    const second = await post(server.url);
    assert.equal(second.status, 503);
    assert.match(second.headers.get("retry-after"), /^[1-9]\d?$/);
    resolve();
    assert.equal((await first).status, 200);
    assert.equal((await post(server.url)).status, 200);
    assert.equal(handled, 1);
  });

  test(`${adapter}: errors and timeouts of the handler`, async (t) => {
    const release = Promise.withResolvers();
    const faults = [];
    let onEvent;
    const server = await start({
      secrets: ["whsec_new", SECRET],
      deadlineMs: 1000,
      store: new MemoryStore(),
      onEvent: (...args) => onEvent(...args),
      onQuarantine: (payload, error) => void faults.push([payload.length, error.code]),
      onError: (fault) => faults.push(fault),
    });
    t.after(server.stop);
    const again = async (status, retryAfter) => {
      const answer = await send(server.url, {});
      assert.equal(answer.status, status);
      if (status === 503) assert.match(answer.headers["retry-after"], retryAfter);
    };
    onEvent = () => {
      throw new Error("the database is gone");
    };
    await again(503, /^10$/);
    assert.equal(faults.pop().message, "the database is gone");
    // An error of the package's own, thrown by the handler, is no refusal of this request.
    onEvent = () => verify("{}", "", "whsec_other");
    await again(503, /^10$/);
    assert.equal(faults.pop().code, "missing_signature");
    onEvent = (_event, { signal }) => {
      signal.addEventListener("abort", () => release.resolve());
      return release.promise.then(() => new Promise((resolve) => setImmediate(resolve)));
    };
    await again(503, /^10$/);
    await release.promise;
    // The handler that was late has ended meanwhile, and its event is done.
    onEvent = () => assert.fail("handled twice");
    let status;
    await until(async () => {
      ({ status } = await send(server.url, {}));
      return status !== 503;
    });
    assert.equal(status, 200);
    if (!PARSED_BEFORE.test(adapter)) {
      faults.length = 0;
      assert.equal((await send(server.url, { body: UNREADABLE })).status, 200);
      assert.deepEqual(faults, [[1, "invalid_json"]]);
    }
  });
}

for (const [adapter, start] of Object.entries(EATEN)) {
  test(`${adapter}: a body that was read before is answered 500`, async (t) => {
    const server = await start({
      secrets: SECRET,
      onEvent: () => assert.fail("no event"),
      onError: () => {},
    });
    t.after(server.stop);
    const { status, body } = await send(server.url, {});
    assert.equal(status, 500);
    assert.equal(body.error, "body_already_parsed");
    assert.match(body.message, /register the receiver before/);
    // A request without a signature does not get even this detail.
    assert.equal((await send(server.url, { signature: null })).status, 401);
  });
}
