// The testing kit: its events are events, its requests are what they say.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { constructEvent, lifecycleStep, verify, WebhookError } from "vtryon-webhooks";
import * as esm from "vtryon-webhooks/testing";

const cjs = createRequire(import.meta.url)("vtryon-webhooks/testing");
const SECRET = "whsec_test";
const { events, hostileRequests, kinds, lifecycle, sign, signedRequest, statuses } = esm;

const hmac = (body, secret = SECRET, hash = "sha256") =>
  createHmac(hash, secret).update(body).digest("hex");

const codeOf = (work) => {
  try {
    work();
    return "ok";
  } catch (error) {
    assert.ok(WebhookError.is(error), `another error escapes: ${error}`);
    return error.code;
  }
};

test("both forms export the same", () => {
  assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
});

test("the kit imports no module of Node, since it runs in other runtimes too", () => {
  const folder = new URL("../../dist/esm/testing/", import.meta.url);
  const modules = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js"));
  for (const name of modules) {
    assert.doesNotMatch(
      readFileSync(new URL(name, folder), "utf8"),
      /from "node:|import "node:/,
      name,
    );
  }
});

for (const kind of kinds) {
  test(`${kind}: every event is valid`, () => {
    for (const status of statuses) {
      const body = JSON.stringify(events[kind][status]);
      const event = constructEvent(body, hmac(body), SECRET);
      assert.deepEqual([event.event, event.status], ["generation.status_changed", status]);
      assert.equal(
        event.result_url?.startsWith(`https://cdn.example/${kind}/`),
        {
          completed: true,
        }[status],
      );
      assert.equal(typeof event.error_message, status === "failed" ? "string" : "object");
    }
  });

  for (const ends of ["completed", "failed"]) {
    test(`${kind}: a lifecycle that ends ${ends}`, () => {
      const course = lifecycle(kind, { task_id: "task_1", ends });
      const seen = course.map(({ status }) => status);
      assert.deepEqual(seen, ["queued", "processing", ends]);
      assert.ok(course.every(({ task_id }) => task_id === "task_1"));
      const last = lifecycleStep(seen.slice(0, 2), ends);
      assert.deepEqual(last, { outcome: "applied", status: ends });
    });
  }
}

test("each kind has its own default task", () => {
  const tasks = new Set(kinds.map((kind) => lifecycle(kind)[0].task_id));
  assert.equal(tasks.size, 4);
});

for (const [name, event] of [
  ["an event", events.poses.completed],
  ["text", '{ "event": 1 }'],
  ["bytes that are no text", Uint8Array.of(0xff, 0x00)],
]) {
  test(`a signed request of ${name}`, async () => {
    const request = signedRequest(event, SECRET, { url: "https://shop.example/hook" });
    const body = Buffer.from(await request.arrayBuffer());
    const isBody = typeof event === "string" || event instanceof Uint8Array;
    assert.deepEqual(body, Buffer.from(isBody ? event : JSON.stringify(event)));
    assert.deepEqual([request.method, request.url], ["POST", "https://shop.example/hook"]);
    assert.equal(request.headers.get("content-type"), "application/json");
    assert.equal(request.headers.get("x-vtryon-signature"), hmac(body));
  });
}

const ENDPOINT_SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
for (const [name, options, code] of [
  ["now", {}, "ok"],
  ["at the end of the tolerance", { now: () => Date.now() - 290_000 }, "ok"],
  ["too early", { now: () => Date.now() - 310_000 }, "timestamp_too_old"],
  ["too late", { now: () => Date.now() + 310_000 }, "timestamp_too_new"],
  ["with an id that no receiver takes", { webhookId: "msg.1" }, "malformed_message_id"],
]) {
  test(`a request that is signed as a gateway signs, ${name}: ${code}`, async () => {
    const scheme = "standard-webhooks";
    const event = events["ai-model"].queued;
    const request = signedRequest(event, ENDPOINT_SECRET, { scheme, ...options });
    const body = Buffer.from(await request.arrayBuffer());
    const work = () => constructEvent(body, request.headers, ENDPOINT_SECRET, { scheme });
    assert.equal(codeOf(work), code);
    if (code === "ok") assert.equal(work().webhook_id, "msg_test");
    assert.equal(request.headers.get("x-vtryon-signature"), hmac(body, ENDPOINT_SECRET));
  });
}

const standard = (secret, options) => () =>
  signedRequest("{}", secret, { scheme: "standard-webhooks", ...options });
const unready = () => {
  throw new Error("the clock is not ready");
};
const cycle = {};
cycle.cycle = cycle;
for (const [name, code, work] of [
  ["an event that is none", "invalid_option", () => signedRequest(undefined, SECRET)],
  ["a cycle", "invalid_option", () => signedRequest(cycle, SECRET)],
  ["a relative URL", "invalid_option", () => signedRequest("{}", SECRET, { url: "/hook" })],
  [
    "a URL with a password",
    "invalid_option",
    () => signedRequest("{}", SECRET, { url: "http://a:b@shop.example/" }),
  ],
  [
    "a URL in the place of options",
    "invalid_option",
    () => signedRequest("{}", SECRET, "http://a/"),
  ],
  ["an unknown option of requests", "invalid_option", () => hostileRequests(SECRET, { id: "a" })],
  ["an unknown option of a lifecycle", "invalid_option", () => lifecycle("poses", { taskId: "a" })],
  ["an unknown scheme", "invalid_option", () => signedRequest("{}", SECRET, { scheme: "stripe" })],
  ["a secret that is not of the scheme", "invalid_option", standard("whsec_no-base64!")],
  [
    "an id without the scheme",
    "invalid_option",
    () => signedRequest("{}", SECRET, { webhookId: "a" }),
  ],
  ["an id that is no text", "invalid_option", standard(ENDPOINT_SECRET, { webhookId: 7 })],
  ["an id with a line break", "invalid_option", standard(ENDPOINT_SECRET, { webhookId: "a\n" })],
  [
    "a clock that returns no number",
    "invalid_option",
    standard(ENDPOINT_SECRET, { now: () => NaN }),
  ],
  ["a clock that throws", "invalid_option", standard(ENDPOINT_SECRET, { now: unready })],
  ["no options of a request", "ok", () => signedRequest("{}", SECRET, null)],
  ["no options of requests", "ok", () => hostileRequests(SECRET, null)],
  ["no options of a lifecycle", "ok", () => lifecycle("poses", null)],
  ["a request without a secret", "secret_missing", () => signedRequest("{}", undefined)],
  ["an empty secret", "secret_empty", () => hostileRequests("")],
  ["no secret", "secret_missing", () => hostileRequests(undefined)],
  ["a secret with a line break", "secret_whitespace", () => sign("{}", "whsec_test\n")],
]) {
  test(`${code === "ok" ? "taken" : "refused"}: ${name}`, () => assert.equal(codeOf(work), code));
}

/** What the verifier says of the bytes and the header alone, for each kind of expectation. */
const VERDICTS = {
  "2xx": ["ok"],
  "401, 400 or 403": [
    "missing_signature",
    "malformed_signature",
    "multiple_signatures",
    "signature_mismatch",
  ],
  "401, 400, 403 or 415": ["signature_mismatch"],
  "413, 401, 400 or 403": ["signature_mismatch"],
  "2xx, 400 or 422": ["ok"],
  "2xx, 400, 413 or 422": ["ok"],
  "2xx, 400 or 415": ["ok"],
  "2xx or 413": ["ok"],
  413: ["payload_too_large"],
  "4xx or 501": ["ok"],
  "2xx or 503 with retry-after": ["ok"],
  "2xx, 4xx or closed": ["ok"],
};

const signaturesOf = ({ headers }) =>
  headers
    .filter(([header]) => header.toLowerCase() === "x-vtryon-signature")
    .map(([, value]) => value);

for (const hostile of hostileRequests(SECRET)) {
  const { name, why, body, framing, first, expect } = hostile;
  test(`hostile: ${name}`, () => {
    const values = signaturesOf(hostile);
    const code = codeOf(() => verify(body, values, SECRET, { maxBodyBytes: 1024 * 1024 }));
    // A wrong declared length does not show in the bytes.
    const verdicts = framing === "shorter" ? ["ok"] : VERDICTS[expect.words];
    assert.ok(verdicts?.includes(code), `${why}: expects ${expect.words}, is ${code}`);
    if (expect.words === "2xx") assert.ok(constructEvent(body, values, SECRET).task_id);
    assert.match(name, /^[a-z0-9-]+$/);
    if (first === null) return;
    const { task_id } = constructEvent(first.body, signaturesOf(first), SECRET);
    assert.equal(JSON.parse(Buffer.from(body)).task_id, task_id);
    assert.deepEqual([first.method, first.framing], ["POST", "length"]);
  });
}

const named = (secret = SECRET) =>
  new Map(hostileRequests(secret).map((hostile) => [hostile.name, hostile]));

test("hostile: names are unique, the first and the last request are valid", () => {
  const all = hostileRequests(SECRET);
  assert.equal(named().size, all.length);
  assert.deepEqual([all[0].name, all.at(-1).name], ["good", "good-at-last"]);
});

test("hostile: the prefix of task ids can be chosen", () => {
  const [{ body }] = hostileRequests(SECRET, { task_id: "task_mine" });
  assert.equal(JSON.parse(Buffer.from(body)).task_id, "task_mine_good");
});

// A case that no wrong receiver falls for would prove nothing: this is what each of them takes.
for (const secret of [SECRET, "k".repeat(65), "ключ".repeat(20)]) {
  for (const [name, taken] of [
    ["sha1", (body) => hmac(body, secret, "sha1")],
    ["sha512", (body) => hmac(body, secret, "sha512")],
    ["sha512-cut", (body) => hmac(body, secret, "sha512").slice(0, 64)],
    ["empty-secret", (body) => hmac(body, "")],
    ["secret-undefined", (body) => hmac(body, String(undefined))],
    ["secret-null", (body) => hmac(body, String(null))],
    ["secret-none", (body) => hmac(body, "None")],
    ["digit-added", (body) => `${hmac(body, secret)}0`],
    ["crlf-added", (body) => hmac(body.toString().replaceAll("\r\n", "\n"), secret)],
    ["crlf-dropped", (body) => hmac(body.toString().replaceAll("\n", "\r\n"), secret)],
    ["sha256-prefix", (body) => `sha256=${hmac(body, secret)}`],
    ["base64", (body) => createHmac("sha256", secret).update(body).digest("base64")],
    ["re-serialised", (body) => hmac(JSON.stringify(JSON.parse(body)), secret)],
    ["lossy-utf8", (body) => hmac(body.toString(), secret)],
    ["nul-added", (body) => hmac(body.subarray(0, body.indexOf(0)), secret)],
    ["bom-added", (body) => hmac(new TextDecoder().decode(body), secret)],
    ["newline-added", (body) => hmac(body.toString().trim(), secret)],
  ]) {
    test(`hostile: ${name} is accepted by a wrong receiver (${secret.length} characters)`, () => {
      const { body, headers } = named(secret).get(name);
      const [, signature] = headers.find(([header]) => header === "x-vtryon-signature");
      assert.equal(signature, taken(Buffer.from(body)));
    });
  }
}
