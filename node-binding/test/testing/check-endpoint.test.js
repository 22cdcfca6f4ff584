// The doctor's suite: a good receiver passes, wrong ones fail with the rows that they deserve, whatever they do.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import https from "node:https";
import { test } from "node:test";
import { checkEndpoint } from "vtryon-webhooks/testing";
import { correct, deadUrl, naive, receiver, SECRET, serve } from "../support/run-cli.js";

const failed = ({ results }) => results.filter(({ ok }) => !ok).map(({ name }) => name);
const row = ({ results }, wanted) => results.find(({ name }) => name === wanted);

test("a correct receiver passes", async (t) => {
  const seen = [];
  const report = await checkEndpoint(await serve(t, correct), {
    secret: SECRET,
    onResult: (result) => seen.push(result),
  });
  assert.deepEqual(failed(report), []);
  assert.equal(report.ok, true);
  assert.deepEqual(seen, report.results);
});

/** What a receiver fails that parses without looking, answers every method, and has no limit. */
const CARELESS = [
  "upper-case",
  "lossy-utf8",
  "empty",
  "not-json",
  "half-json",
  "two-values",
  "bom",
  "nul",
  "not-utf8",
  "get",
  "put",
  "delete",
  "too-long",
  "too-long-chunked",
];

/** What a comparison throws on that wants equal lengths. */
const LENGTHS = [
  "one-digit",
  "half",
  "short",
  "odd",
  "long",
  "digit-added",
  "junk-added",
  "twice-as-long",
  "sha256-prefix",
  "version-prefix",
  "0x-prefix",
  "quoted",
  "base64",
  "junk-between",
  "blank-between",
  "not-ascii",
  "wide-digits",
  "list",
  "bad-list",
  "two-lines",
  "bad-then-good",
  "good-then-bad",
  "sha1",
  "sha512",
];

for (const [way, deserved] of [
  ["string", CARELESS],
  ["timing-safe", [...CARELESS, ...LENGTHS]],
]) {
  test(`the naive receiver fails: ${way}`, async (t) => {
    const report = await checkEndpoint(await naive(t, way), { secret: SECRET });
    assert.equal(report.ok, false);
    assert.deepEqual(failed(report).sort(), [...deserved].sort());
    assert.equal(row(report, "lossy-utf8").got, "200");
  });
}

const mac = (body, secret = SECRET) => createHmac("sha256", secret).update(body).digest("hex");

const read = (body) => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

/** Takes what looks like something that was good before. */
function remembering(keyOf) {
  const known = new Set();
  return (got) => {
    const key = keyOf(got);
    if (known.has(key)) return true;
    if (key !== undefined && got.claimed === mac(got.body)) known.add(key);
    return false;
  };
}

const aboutTask = ({ body }) => {
  const event = read(body);
  return event?.task_id && `${event.task_id} ${event.status}`;
};

const STATUSES = ["queued", "processing", "completed", "failed"];
const CHANGED = "generation.status_changed";

// Each takes one thing more than it should; the cases are those that it fails by that, and no other.
for (const [what, deserved, takes] of [
  [
    "decodes hex until it is none",
    ["digit-added", "junk-added", "list"],
    ({ body, claimed }) => Buffer.from(claimed, "hex").toString("hex") === mac(body),
  ],
  [
    "takes a digit too many",
    ["digit-added"],
    ({ body, claimed }) => claimed.length === 65 && claimed.startsWith(mac(body)),
  ],
  ["knows tasks before it verifies", ["repeat-forged"], remembering(aboutTask)],
  ["knows bodies before it verifies", ["repeat-forged"], remembering(({ body }) => `${body}`)],
  ["remembers good signatures", ["signature-reused"], remembering(({ claimed }) => claimed)],
  [
    "ignores other events unverified",
    ["other-event-unsigned"],
    ({ body }) => (read(body)?.event ?? CHANGED) !== CHANGED,
  ],
  [
    "ignores other statuses unverified",
    ["changed", "other-status-unsigned"],
    ({ body }) => !STATUSES.includes(read(body)?.status ?? "queued"),
  ],
  ["lets text through", ["type-text-unsigned"], ({ type }) => type === "text/plain"],
  [
    "reads CRLF as LF",
    ["crlf-added"],
    ({ body, claimed }) => claimed === mac(body.toString("latin1").replaceAll("\r\n", "\n")),
  ],
  [
    "reads LF as CRLF",
    ["crlf-dropped"],
    ({ body, claimed }) => claimed === mac(body.toString("latin1").replaceAll("\n", "\r\n")),
  ],
  ...["undefined", "null", "None"].map((key) => [
    `has ${key} for a secret`,
    [`secret-${key.toLowerCase()}`],
    ({ body, claimed }) => claimed === mac(body, key),
  ]),
]) {
  test(`a receiver fails that ${what}`, async (t) => {
    const url = await serve(t, receiver(takes));
    assert.deepEqual(failed(await checkEndpoint(url, { secret: SECRET })), deserved);
  });
}

test("a receiver that crashes is reported as unreachable", async (t) => {
  const report = await checkEndpoint(await naive(t, "crash"), { secret: SECRET });
  assert.equal(row(report, "one-digit").got, "closed without an answer");
  // The system may still take a connection or two for a process that is about to end.
  assert.match(row(report, "half").got, /^(closed without an answer|connection refused)$/);
  assert.equal(row(report, "parallel").sent, "");
  assert.equal(row(report, "good-at-last").got, "connection refused");
});

test("an endpoint without a server fails", async () => {
  const report = await checkEndpoint(await deadUrl(), { secret: SECRET });
  assert.deepEqual([report.ok, report.results[0].got], [false, "connection refused"]);
  assert.equal(report.results.filter(({ sent }) => sent !== "").length, 4);
});

const HANGS = "no answer within 0.2 s";
for (const [what, answer, got] of [
  ["never answers", () => {}, HANGS],
  ["never ends its answer", (_, response) => response.write("x"), HANGS],
  ["hangs up", (request) => request.socket.destroy(), "closed without an answer"],
  ["is no HTTP server", (request) => request.socket.end("hello\n"), "an answer that is not HTTP"],
  ["redirects", (_, response) => response.writeHead(308, { location: "/" }).end(), "308"],
  [
    "says later, not when",
    (_, response) => response.writeHead(503).end(),
    "503 without retry-after",
  ],
  ["answers in part", (_, response) => partly(response), "200"],
  [
    "says what is wrong",
    fault("body_already_parsed"),
    /^500 body_already_parsed: register the rec/,
  ],
  ["says the other", fault("payload_not_raw"), /^500 payload_not_raw: pass the bytes/],
  ["says something else", fault("\u001b[2Jwhsec_test"), "500"],
]) {
  test(`a receiver that ${what}`, async (t) => {
    const url = await serve(t, answer);
    // Only those are cut short that would never end.
    const timeoutMs = got === HANGS ? 200 : undefined;
    const report = await checkEndpoint(url, { secret: SECRET, timeoutMs, only: ["good"] });
    const [result] = report.results;
    if (typeof got === "string") assert.equal(result.got, got);
    else assert.match(result.got, got);
    assert.equal(report.ok, got === "200");
  });
}

/** Answers, and breaks off before the end. */
function partly(response) {
  response.writeHead(200, { "content-length": 100 }).write("x", () => response.destroy());
}

function fault(error) {
  return (_, response) => response.writeHead(500).end(JSON.stringify({ error }));
}

for (const [name, headers, ok, got] of [
  ["passes", { "retry-after": "1" }, true, "8 × 503 with retry-after"],
  ["fails where it does not say when", {}, false, "8 × 503 without retry-after"],
]) {
  test(`an event that is being handled: later ${name}`, async (t) => {
    const url = await serve(t, (_, response) => response.writeHead(503, headers).end());
    const report = await checkEndpoint(url, { secret: SECRET, only: ["parallel"] });
    assert.deepEqual([report.ok, report.results[0].got], [ok, got]);
  });
}

for (const [name, url, options, code] of [
  ["no URL", "shop", { secret: SECRET }, "invalid_option"],
  ["a name that can't be decoded", "http://%ff@127.0.0.1:9/", { secret: SECRET }, "invalid_option"],
  ["such a password", "http://a:%ff@127.0.0.1:9/", { secret: SECRET }, "invalid_option"],
  ["another scheme", "ftp://127.0.0.1/", { secret: SECRET }, "invalid_option"],
  ["no secret", "http://127.0.0.1:9/", {}, "secret_missing"],
  ["nothing", "http://127.0.0.1:9/", undefined, "secret_missing"],
  ["an empty secret", "http://127.0.0.1:9/", { secret: "" }, "secret_empty"],
  ["no time", "http://127.0.0.1:9/", { secret: SECRET, timeoutMs: 0 }, "invalid_option"],
  ["no such option", "http://127.0.0.1:9/", { secret: SECRET, timeout: 1 }, "invalid_option"],
  ["no agent", "http://127.0.0.1:9/", { secret: SECRET, agent: {} }, "invalid_option"],
  [
    "an agent of another protocol",
    "http://127.0.0.1:9/",
    { secret: SECRET, agent: new https.Agent() },
    "invalid_option",
  ],
  ["no list of cases", "http://127.0.0.1:9/", { secret: SECRET, only: 5 }, "invalid_option"],
  ["one case", "http://127.0.0.1:9/", { secret: SECRET, only: "get" }, "invalid_option"],
  ["no such case", "http://127.0.0.1:9/", { secret: SECRET, only: ["x"] }, "invalid_option"],
  [
    "one such case",
    "http://127.0.0.1:9/",
    { secret: SECRET, only: ["x", "get"] },
    "invalid_option",
  ],
]) {
  test(`refused: ${name}`, () =>
    assert.rejects(checkEndpoint(url, options), (error) => error.code === code));
}
