// Standard Webhooks against the vectors, against npm's `standardwebhooks`, and behind every adapter.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Webhook } from "standardwebhooks";
import * as esm from "vtryon-webhooks";
import { vtryonWebhooks } from "vtryon-webhooks/web";
import { bytes } from "../../../tests/vectors/generate/bytes.js";
import { ADAPTERS } from "../support/adapters.js";

const cjs = createRequire(import.meta.url)("vtryon-webhooks");
const VECTORS = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/standard_webhooks.json", import.meta.url)),
);
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const BODY = '{"event":"generation.status_changed","task_id":"task_123","status":"queued"}';
const SCHEME = { scheme: "standard-webhooks" };

/** The headers of a vector, as an object of Node has them. */
const headersOf = ({ id, timestamp, signature }) => ({
  "webhook-id": id,
  "webhook-timestamp": timestamp,
  "webhook-signature": signature,
});

/** Signs with the public library. */
function signed(id, date, body = BODY, secret = SECRET) {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(date.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, date, body),
  };
}

for (const [form, { verify, VtryonWebhooks, WebhookError }] of Object.entries({ esm, cjs })) {
  test(`${form}: messages`, () => {
    for (const vector of VECTORS) {
      const { name, why, secrets, body, now, tolerance, limit, expect } = vector;
      const options = {
        ...SCHEME,
        now: () => now,
        ...(tolerance && { toleranceSeconds: tolerance }),
        ...(limit && { maxBodyBytes: limit }),
      };
      const work = [
        () => verify(bytes(body), headersOf(vector), secrets.map(bytes), options),
        () =>
          new VtryonWebhooks(secrets.map(bytes), options).verify(bytes(body), headersOf(vector)),
      ];
      for (const judge of work) {
        let verdict;
        try {
          const { secretIndex, webhookId } = judge();
          const timestamp = Number(vector.timestamp[0]);
          verdict = { secret_index: secretIndex, id: webhookId, timestamp };
        } catch (error) {
          assert.ok(WebhookError.is(error), `another error escapes: ${error}`);
          verdict = { code: error.code };
          for (const said of ["message", "hint"]) if (expect[said]) verdict[said] = error[said];
        }
        assert.deepEqual(verdict, expect, `${name} (${why})`);
      }
    }
  });
}

test("the package verifies what npm's standardwebhooks signs", () => {
  const now = new Date();
  const headers = signed("msg_1", now);
  const event = esm.constructEvent(BODY, headers, SECRET, SCHEME);
  assert.deepEqual([event.webhook_id, event.task_id], ["msg_1", "task_123"]);
  for (const form of [
    new Headers(headers),
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value])),
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
  ]) {
    assert.equal(esm.verify(BODY, form, SECRET, SCHEME).webhookId, "msg_1");
  }
});

test("bytes and a clock with properties of their own are taken for what they are", () => {
  const now = Date.now();
  const clock = Object.defineProperty(() => now, "bind", { value: () => assert.fail("hostile") });
  const body = Object.defineProperties(new Uint8Array(Buffer.from(BODY)), {
    buffer: { value: new ArrayBuffer(8) },
    byteOffset: { value: 1 },
    byteLength: { value: 1 },
  });
  const options = { ...SCHEME, now: clock };
  const { payload } = esm.verify(body, signed("msg_1", new Date(now)), SECRET, options);
  assert.equal(Buffer.from(payload).toString(), BODY);
});

test("npm's standardwebhooks agrees with the vectors", () => {
  // The vectors are made by node:crypto and verified by the core; this closes the circle.
  for (const { body, secrets, ...vector } of VECTORS) {
    if (vector.expect.code !== undefined || secrets.length > 1) continue;
    const [secret] = secrets.map((secret) => bytes(secret).toString());
    const [id] = vector.id;
    const date = new Date(Number(vector.timestamp[0]) * 1000);
    const text = bytes(body).toString();
    // The library signs texts, and has no bytes of its own.
    if (!bytes(body).equals(Buffer.from(text))) continue;
    assert.ok(vector.signature[0].includes(new Webhook(secret).sign(id, date, text)), vector.name);
  }
});

const OPTIONS = [
  ["another scheme", { scheme: "stripe" }, /^`scheme` is neither/],
  ["a tolerance without the scheme", { toleranceSeconds: 60 }, /Vtryon signs no time$/],
  ["a tolerance of 0", { ...SCHEME, toleranceSeconds: 0 }, /^`toleranceSeconds` is not/],
  ["a tolerance past a day", { ...SCHEME, toleranceSeconds: 86_401 }, /^`toleranceSeconds` is not/],
  ["a tolerance that is no number", { ...SCHEME, toleranceSeconds: "300" }, /^`toleranceSeconds`/],
  ["a clock that is none", { ...SCHEME, now: 7 }, /^`now` is not a function$/],
];
for (const [name, options, message] of OPTIONS) {
  test(`options: ${name}`, () => {
    const fault = { code: "invalid_option", message };
    assert.throws(() => new esm.VtryonWebhooks(SECRET, options), fault);
    assert.throws(() => esm.verify(BODY, {}, SECRET, options), fault);
    // At once, also where the secrets are asked for later.
    const lazy = { secrets: () => SECRET, onEvent: () => {}, ...options };
    assert.throws(() => vtryonWebhooks(lazy), fault);
  });
}

const HEADERS = [
  ["none", undefined, "missing_message_id"],
  ["null", null, "missing_message_id"],
  ["a text", "v1,AAAA", "missing_message_id"],
  ["an empty object", {}, "missing_message_id"],
  ["one that is null", { "webhook-id": null }, "missing_message_id"],
  [
    "one that is null and one that is not",
    { "Webhook-Id": null, "webhook-id": "a" },
    "missing_timestamp",
  ],
  ["numbers", { "webhook-id": 7 }, "malformed_message_id"],
  ["twice in different case", { "webhook-id": "a", "Webhook-Id": "a" }, "malformed_message_id"],
  [
    "an object that throws",
    new Proxy({}, { ownKeys: () => assert.fail("hostile") }),
    "malformed_message_id",
  ],
  ["a getter that throws", { get: () => assert.fail("hostile") }, "malformed_message_id"],
];
for (const [name, headers, code] of HEADERS) {
  test(`headers: ${name}`, () => {
    assert.throws(() => esm.verify(BODY, headers, SECRET, SCHEME), { code });
  });
}

const CLOCKS = [
  ["throws", () => assert.fail("hostile"), "invalid_option"],
  ["returns a text", () => "now", "invalid_option"],
  ["returns no number", () => Number.NaN, "invalid_option"],
  ["stands at 1970", () => 0, "timestamp_too_new"],
  ["is far ahead", () => 8.64e15, "timestamp_too_old"],
  ["is past all times", () => Number.MAX_VALUE, "timestamp_too_old"],
];
for (const [name, now, code] of CLOCKS) {
  test(`a clock that ${name}`, () => {
    const headers = signed("msg_1", new Date());
    assert.throws(() => esm.verify(BODY, headers, SECRET, { ...SCHEME, now }), { code });
  });
}

test("Vtryon's own signature does not satisfy the scheme standard-webhooks", () => {
  const headers = { "x-vtryon-signature": "0".repeat(64) };
  assert.throws(() => esm.verify(BODY, headers, SECRET, SCHEME), { code: "missing_message_id" });
});

for (const [name, start] of Object.entries(ADAPTERS)) {
  test(`${name}: a receiver behind a gateway`, async (t) => {
    const events = [];
    const onEvent = (event, context) => void events.push([event, context]);
    const errors = [];
    const onError = (error) => void errors.push(error.code);
    const { url, stop } = await start({ ...SCHEME, secrets: SECRET, onEvent, onError });
    t.after(stop);
    const post = async (headers, body = BODY) => {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
      });
      return [response.status, await response.json()];
    };
    const now = Date.now();
    const [status, received] = await post(signed("msg_1", new Date(now)));
    assert.deepEqual([status, received], [200, { received: true }]);
    const [[event, context]] = events;
    assert.deepEqual(
      [event.webhook_id, context.webhookId, event.task_id],
      ["msg_1", "msg_1", "task_123"],
    );
    const refused = [
      [signed("msg_1", new Date(now - 301_000)), "timestamp_too_old"],
      [signed("msg_1", new Date(now + 310_000)), "timestamp_too_new"],
      [{ ...signed("msg_1", new Date(now)), "webhook-id": "msg_2" }, "signature_mismatch"],
      [{ "x-vtryon-signature": "0".repeat(64) }, "missing_message_id"],
    ];
    for (const [headers, code] of refused) {
      const [status, { error }] = await post(headers);
      assert.deepEqual([status, error, errors.at(-1)], [401, "unauthorized", code]);
    }
    assert.equal(events.length, 1);
  });
}
