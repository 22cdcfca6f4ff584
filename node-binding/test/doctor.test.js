// The doctor's suite: a good receiver passes, wrong ones fail with the rows that they deserve, whatever they do.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { checkEndpoint } from "vtryon-webhooks/testing";
import { correct, deadUrl, naive, SECRET, serve } from "./cli.js";

const failed = ({ results }) => results.filter(({ ok }) => !ok).map(({ name }) => name);
const row = ({ results }, wanted) => results.find(({ name }) => name === wanted);

test("a good receiver passes", async (t) => {
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

test("a receiver that crashes is told to be gone", async (t) => {
  const report = await checkEndpoint(await naive(t, "crash"), { secret: SECRET });
  assert.equal(row(report, "one-digit").got, "closed without an answer");
  // The system may still take a connection or two for a process that is about to end.
  assert.match(row(report, "half").got, /^(closed without an answer|connection refused)$/);
  assert.equal(row(report, "parallel").sent, "");
  assert.equal(row(report, "good-at-last").got, "connection refused");
});

test("nobody listens", async () => {
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

/** Serves connections, not requests, until the test has ended. */
async function listen(t, handler) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    handler(socket);
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}/`;
}

test("a body that is cut off need not be answered", async (t) => {
  const url = await listen(t, (socket) => socket.on("end", () => socket.end()).resume());
  const report = await checkEndpoint(url, { secret: SECRET, only: ["cut-off"] });
  assert.deepEqual([report.ok, report.results[0].got], [true, "closed without an answer"]);
});

for (const [name, resets, got] of [
  ["at once", 0, "413"],
  ["after two connections that were reset, as if the answer was lost", 2, "413"],
  ["never", Number.POSITIVE_INFINITY, "closed without an answer"],
]) {
  test(`a long body that nobody reads is answered: ${name}`, async (t) => {
    let connections = 0;
    const url = await listen(t, (socket) => {
      connections += 1;
      const lost = connections <= resets;
      socket.once("data", () => {
        // Closed with bytes unread, the connection is reset.
        socket.pause();
        if (lost) return socket.resetAndDestroy();
        socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n", () => socket.destroy());
      });
    });
    const report = await checkEndpoint(url, { secret: SECRET, only: ["too-long-chunked"] });
    assert.equal(report.results[0].got, got);
  });
}

test("what is sent stands on the wire as it says", async (t) => {
  const seen = [];
  const url = await listen(t, (socket) => {
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk) => {
      text += chunk;
      if (!/\}(\r\n0\r\n\r\n)?$/.test(text)) return;
      seen.push(text);
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
  });
  for (const only of ["two-lines", "chunked", "cut-off", "declared-short", "header-case"]) {
    await checkEndpoint(url, { secret: SECRET, only: [only] });
  }
  const [twoLines, chunked, cutOff, short, headerCase] = seen;
  assert.equal(twoLines.match(/x-vtryon-signature: [0-9a-f]{64}\r\n/g).length, 2);
  assert.match(chunked, /transfer-encoding: chunked/);
  const declared = (text) => Number(/content-length: (\d+)/.exec(text)[1]);
  const came = (text) => text.length - text.indexOf("\r\n\r\n") - 4;
  assert.ok(declared(cutOff) > came(cutOff));
  assert.ok(declared(short) < came(short));
  assert.match(headerCase, /X-VTRYON-SIGNATURE: /);
});

for (const [name, url, options, code] of [
  ["no URL", "shop", { secret: SECRET }, "invalid_option"],
  ["another scheme", "ftp://127.0.0.1/", { secret: SECRET }, "invalid_option"],
  ["no secret", "http://127.0.0.1:9/", {}, "secret_missing"],
  ["nothing", "http://127.0.0.1:9/", undefined, "secret_missing"],
  ["an empty secret", "http://127.0.0.1:9/", { secret: "" }, "secret_empty"],
  ["no time", "http://127.0.0.1:9/", { secret: SECRET, timeoutMs: 0 }, "invalid_option"],
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
