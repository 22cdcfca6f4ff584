// When a receiver reads its secrets, what it answers while it has none, and what it says of careless ones.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import express from "express";
import fastify from "fastify";
import { VtryonWebhooks, verify, WebhookError } from "vtryon-webhooks";
import * as forExpress from "vtryon-webhooks/express";
import * as forFastify from "vtryon-webhooks/fastify";
import * as forHono from "vtryon-webhooks/hono";
import * as forNode from "vtryon-webhooks/node";
import { sign } from "vtryon-webhooks/testing";
import * as forWeb from "vtryon-webhooks/web";
import { emitted } from "../../../tests/support/wait.js";
import { BODY, SECRET, sign as signature } from "../support/completed-event.js";

const NAMES = ["VTRYON_WEBHOOK_SECRET", "VTRYON_WEBHOOK_SECRET_PREVIOUS"];

/** Sets the secrets of the environment until the test has ended; undefined removes one. */
function environment(t, ...values) {
  for (const [nth, name] of NAMES.entries()) {
    const before = process.env[name];
    const set = (value) => {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    };
    set(values[nth]);
    t.after(() => set(before));
  }
}

const request = (body = BODY, headers = { "x-vtryon-signature": signature(body) }) =>
  new Request("https://shop.example/", { method: "POST", body, headers });

const receive = (options) => forWeb.vtryonWebhooks({ onEvent: () => {}, ...options });
const status = async (handler, sent = request()) => (await handler(sent)).status;

/** Serves a handler of node:http until the test has ended; returns what posts the good event. */
async function served(t, handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await emitted(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/`;
  return async () => (await fetch(url, request())).status;
}

/** Every adapter; each returns what posts the good event. */
const ADAPTERS = {
  web: async (_t, options) => {
    const handler = forWeb.vtryonWebhooks(options);
    return () => status(handler);
  },
  hono: async (_t, options) => {
    const handler = forHono.vtryonWebhooks(options);
    return async () => (await handler({ req: { raw: request(), bodyCache: {} } })).status;
  },
  node: (t, options) => served(t, forNode.vtryonWebhooks(options)),
  express: (t, options) => served(t, express().post("/", forExpress.vtryonWebhooks(options))),
  fastify: async (t, options) => {
    const app = fastify();
    app.register(forFastify.vtryonWebhooks, { ...options, path: "/" });
    await app.listen({ port: 0, host: "127.0.0.1" });
    t.after(() => app.close());
    return async () =>
      (await fetch(`http://127.0.0.1:${app.server.address().port}/`, request())).status;
  },
};

for (const [name, adapt] of Object.entries(ADAPTERS)) {
  test(`${name}: without a secret it answers 503 and logs an error; once there is one, 200`, async (t) => {
    environment(t);
    const log = t.mock.method(console, "error", () => {});
    let events = 0;
    const post = await adapt(t, {
      onEvent: () => {
        events += 1;
      },
    });
    assert.equal(log.mock.callCount(), 0, "nothing is said before a request comes");
    assert.equal(await post(), 503);
    assert.match(log.mock.calls[0].arguments[1], /^secret_missing: .*VTRYON_WEBHOOK_SECRET/);
    process.env.VTRYON_WEBHOOK_SECRET = SECRET;
    assert.equal(await post(), 200);
    assert.equal(events, 1);
  });
}

test("a missing secret is logged once in ten seconds, and reported to onError each time", async (t) => {
  environment(t);
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  const log = t.mock.method(console, "error", () => {});
  const handler = receive();
  for (let times = 0; times < 20; times += 1) assert.equal(await status(handler), 503);
  assert.equal(log.mock.callCount(), 1);
  now += 10_000;
  await status(handler);
  assert.equal(log.mock.callCount(), 2);
  const codes = [];
  const receiver = receive({ onError: ({ code }) => codes.push(code) });
  for (let times = 0; times < 3; times += 1) await status(receiver);
  assert.deepEqual(codes, ["secret_missing", "secret_missing", "secret_missing"]);
});

test("without a secret every request is answered 503, never 200", async (t) => {
  environment(t);
  const handler = receive({ onEvent: () => assert.fail("no event"), onError: () => {} });
  for (const headers of [
    {},
    { "x-vtryon-signature": "0".repeat(64) },
    { "x-vtryon-signature": sign(BODY, "whsec_other") },
  ]) {
    const answer = await handler(request(BODY, headers));
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "10");
    assert.equal((await answer.json()).error, "unavailable");
  }
  assert.equal((await handler(new Request("https://shop.example/"))).status, 405);
});

const missing = [
  ["undefined", undefined],
  ["null", null],
  ["a list of what is not set", [undefined, undefined]],
  ["an empty list", []],
  ["a function that returns nothing", () => undefined],
  ["an async function that returns null", async () => null],
  ["a function that returns an empty list", () => []],
];
for (const [name, secrets] of missing) {
  test(`a missing secret is reported only when a request comes: ${name}`, async (t) => {
    environment(t);
    const faults = [];
    const handler = receive({ secrets, onError: (fault) => faults.push(fault.code) });
    assert.equal(await status(handler), 503);
    assert.deepEqual(faults, ["secret_missing"]);
  });
}

for (const [name, secrets] of [
  ["a function", () => SECRET],
  ["an async function", async () => SECRET],
  ["a function that returns a list", () => ["whsec_new", SECRET]],
  ["a function that returns bytes", async () => new TextEncoder().encode(SECRET)],
  ["a value", SECRET],
]) {
  test(`secrets: ${name}`, async (t) => {
    environment(t);
    const handler = receive({ secrets });
    assert.equal(await status(handler), 200);
    const forged = { "x-vtryon-signature": sign(BODY, "whsec_other") };
    assert.equal(await status(handler, request(BODY, forged)), 401);
  });
}

const CARELESS = [
  ["in double quotes", `"${SECRET}"`, "secret_quoted"],
  ["in single quotes", `'${SECRET}'`, "secret_quoted"],
  ["after a byte order mark", `\ufeff${SECRET}`, "secret_invisible"],
  ["before a no-break space", `${SECRET}\u00a0`, "secret_invisible"],
  ["with a zero-width space", `whsec\u200b_test`, "secret_invisible"],
  ["with a zero-width joiner at its end", `${SECRET}\u200d`, "secret_invisible"],
  ["undefined, as text", "undefined", "secret_placeholder"],
  ["null, as text", "null", "secret_placeholder"],
  ["a variable that nobody filled in", `\${${NAMES[0]}}`, "secret_placeholder"],
  ["empty", "", "secret_empty"],
  ["with a blank before it", ` ${SECRET}`, "secret_whitespace"],
  ["with a line break after it", `${SECRET}\n`, "secret_whitespace"],
];

for (const [name, secret, code] of CARELESS) {
  const is = (place) => (error) => {
    assert.ok(WebhookError.is(error));
    assert.equal(error.code, code);
    assert.equal(error.status, 503);
    assert.ok(error.message.startsWith(place === undefined ? "the secret " : `\`${place}\`: `));
    assert.ok(error.hint.length > 10);
    assert.doesNotMatch(`${error.message}${error.hint}`, /whsec/);
    return true;
  };
  test(`careless, ${name}: refused at construction, as string and as bytes, with its position`, async (t) => {
    const bytes = new TextEncoder().encode(secret);
    for (const form of [secret, bytes]) {
      assert.throws(() => new VtryonWebhooks(form), is());
      assert.throws(() => new VtryonWebhooks(["whsec_a", form]), is("secrets[1]"));
      assert.throws(() => new VtryonWebhooks([form, "whsec_a"]), is("secrets[0]"));
      assert.throws(() => verify("{}", "0".repeat(64), ["whsec_a", form]), is("secrets[1]"));
      assert.throws(() => receive({ secrets: ["whsec_a", "whsec_b", form] }), is("secrets[2]"));
      assert.throws(() => sign("{}", form), is());
    }
    environment(t, secret);
    assert.throws(() => new VtryonWebhooks(), is("VTRYON_WEBHOOK_SECRET"));
    // An empty line of a template: what it means is tested below.
    if (secret === "") return;
    environment(t, "whsec_a", secret);
    assert.throws(() => new VtryonWebhooks(), is("VTRYON_WEBHOOK_SECRET_PREVIOUS"));
    const faults = [];
    assert.equal(await status(receive({ onError: (fault) => faults.push(fault) })), 503);
    assert.ok(is("VTRYON_WEBHOOK_SECRET_PREVIOUS")(faults[0]));
  });
}

for (const [name, adapt] of Object.entries(ADAPTERS)) {
  test(`${name}: an empty previous secret in the environment is ignored`, async (t) => {
    environment(t, SECRET, "");
    assert.equal(await (await adapt(t, { onEvent: () => {} }))(), 200);
  });
}

test("an empty previous secret is not a key, and does not replace the current one", async (t) => {
  environment(t, SECRET, "");
  const webhooks = new VtryonWebhooks();
  assert.equal(webhooks.verify(BODY, signature(BODY)).secretIndex, 0);
  const forged = createHmac("sha256", "").update(BODY).digest("hex");
  assert.throws(() => webhooks.verify(BODY, forged), { code: "signature_mismatch" });
  environment(t, undefined, "");
  assert.throws(() => new VtryonWebhooks(), { code: "secret_missing" });
  environment(t, "", "");
  assert.throws(() => new VtryonWebhooks(), { code: "secret_empty" });
});

for (const [name, secret, words] of [
  ["undefined", undefined, /^`secrets\[1\]` is undefined$/],
  ["null", null, /^`secrets\[1\]` is null$/],
  ["a number", 7, /^`secrets\[1\]`: .* neither a text nor bytes$/],
  ["half a surrogate pair", "\ud800", /^`secrets\[1\]`: .* half a surrogate pair$/],
  ["far too long", "x".repeat(65_537), /^`secrets\[1\]`: the secret is longer than 65536 bytes$/],
]) {
  test(`an invalid secret, ${name}: the message names its position`, () => {
    const fault = { code: "invalid_option", message: words };
    assert.throws(() => new VtryonWebhooks(["whsec_a", secret]), fault);
    assert.throws(() => receive({ secrets: ["whsec_a", secret] }), fault);
  });
}

for (const [name, secrets] of [
  ["an object", { secret: SECRET }],
  ["a number", 7],
  ["half a surrogate pair", "\ud800"],
  ["a set", new Set([SECRET])],
  ["a promise", Promise.resolve(SECRET)],
]) {
  test(`refused at construction, since no request can find it right: ${name}`, () => {
    const fault = { code: "invalid_option", message: /^the secret / };
    assert.throws(() => new VtryonWebhooks(secrets), fault);
    assert.throws(() => receive({ secrets }), fault);
  });
}

for (const [name, unset] of [
  ["undefined", undefined],
  ["null", null],
  ["a list of what is not set", [undefined]],
]) {
  test(`a secret that was passed is not replaced by the environment's: ${name}`, async (t) => {
    environment(t, SECRET);
    const faults = [];
    const options = { onEvent: () => assert.fail("another account's event"), secrets: unset };
    for (const adapt of Object.values(ADAPTERS)) {
      const post = await adapt(t, { ...options, onError: (fault) => faults.push(fault) });
      assert.equal(await post(), 503);
    }
    assert.deepEqual(
      faults.map(({ code }) => code),
      Object.keys(ADAPTERS).map(() => "secret_missing"),
    );
    const fault = { code: "secret_missing", hint: /leave `secrets` out/ };
    assert.throws(() => new VtryonWebhooks(unset), fault);
    assert.throws(() => new VtryonWebhooks(unset, {}), fault);
    assert.throws(() => verify(BODY, signature(BODY), unset), fault);
    for (const { hint } of faults) assert.match(hint, fault.hint);
  });
}

test("the environment is read without arguments, or by its name", (t) => {
  environment(t, SECRET, "whsec_old");
  const old = sign(BODY, "whsec_old");
  assert.equal(new VtryonWebhooks().verify(BODY, old).secretIndex, 1);
  const webhooks = VtryonWebhooks.fromEnvironment({ maxBodyBytes: 1000 });
  assert.deepEqual([webhooks.verify(BODY, old).secretIndex, webhooks.maxBodyBytes], [1, 1000]);
  assert.equal(VtryonWebhooks.fromEnvironment().verify(BODY, signature(BODY)).secretIndex, 0);
  environment(t);
  assert.throws(() => VtryonWebhooks.fromEnvironment(), { code: "secret_missing" });
});

test("the class throws at construction if the environment has no secret", (t) => {
  environment(t);
  assert.throws(() => new VtryonWebhooks(), { code: "secret_missing" });
  assert.throws(() => new VtryonWebhooks([]), { code: "secret_missing" });
});
