// What the doctor sends, byte for byte, and servers that end connections early.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { checkEndpoint } from "vtryon-webhooks/testing";
import { emitted } from "../../../tests/support/wait.js";
import { bodyOf, SECRET, serve } from "../support/run-cli.js";

/** Serves connections, not requests, until the test has ended. */
async function listen(t, handler) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    handler(socket);
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await emitted(server, "listening");
  return `http://127.0.0.1:${server.address().port}/`;
}

for (const [name, answer, ok, got] of [
  ["need not be answered", "", true, "closed without an answer"],
  // Every byte that is signed came.
  ["may be taken", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true, "200"],
  ["is the sender's fault", "HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n", true, "400"],
  ["is no fault of the server", "HTTP/1.1 500 Fault\r\ncontent-length: 0\r\n\r\n", false, "500"],
  [
    "is not retried",
    "HTTP/1.1 503 Later\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
    false,
    "503 with retry-after",
  ],
]) {
  test(`a body that is cut off ${name}`, async (t) => {
    const url = await listen(t, (socket) => socket.on("end", () => socket.end(answer)).resume());
    const report = await checkEndpoint(url, { secret: SECRET, only: ["cut-off"] });
    assert.deepEqual([report.ok, report.results[0].got], [ok, got]);
  });
}

for (const [name, resets, got] of [
  ["at once", 0, "413"],
  ["after two connections that were reset, as if the answer was lost", 2, "413"],
  ["never", Number.POSITIVE_INFINITY, "closed without an answer"],
]) {
  test(`a long body that the server does not read, answered ${name}`, async (t) => {
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

test("requests are sent exactly as described", async (t) => {
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

test("the valid request is sent first, and its answer does not count", async (t) => {
  const seen = [];
  const url = await serve(t, async (request, response) => {
    const { status } = JSON.parse(await bodyOf(request));
    seen.push([status, request.headers["x-vtryon-signature"]]);
    response.writeHead(seen.length === 1 ? 500 : 401).end();
  });
  const report = await checkEndpoint(url, { secret: SECRET, only: ["signature-reused"] });
  const [[, signature]] = seen;
  assert.deepEqual(seen, [
    ["queued", signature],
    ["completed", signature],
  ]);
  assert.deepEqual([report.ok, report.results[0].got], [true, "401"]);
  assert.match(report.results[0].sent, /^POST \d+ B, after a good one$/);
});
