// The doctor as a command: the table that it prints, and how it ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { correct, deadUrl, naive, run, serve } from "../support/run-cli.js";

test("a table is printed, and a correct receiver passes", async (t) => {
  const { code, stdout, stderr } = await run(["doctor", await serve(t, correct)]);
  const lines = stdout.trimEnd().split("\n");
  assert.match(lines[0], /^ {2}case +sent +expected +got$/);
  assert.match(lines[1], /^✓ good +POST \d+ B +2xx +200$/);
  const at = lines[0].indexOf("got");
  assert.ok(lines.slice(1, -2).every((line) => line[at - 1] === " " && line[at] !== " "));
  assert.match(lines.at(-1), /^all \d+ cases passed$/);
  assert.deepEqual([code, stderr], [0, ""]);
});

test("the reason of a failed case is printed", async (t) => {
  const url = await naive(t, "timing-safe");
  const { code, stdout } = await run(["doctor", url, "--only", "short", "--only", "good"]);
  assert.equal(code, 1);
  assert.match(stdout, /^✗ short +POST \d+ B +401, 400 or 403 +500$/m);
  assert.match(stdout, /^1 of 2 cases failed$/m);
  assert.match(stdout, /^ {2}short: constant-time comparisons throw when lengths differ$/m);
});

for (const [name, args, status, hint] of [
  ["another secret", ["--secret", "whsec_other"], undefined, /^The endpoint refuses good events: /],
  ["another path", [], 404, /^Nothing takes a POST at this path: /],
  ["a fault", [], 500, undefined],
]) {
  test(`the likely cause is printed: ${name}`, async (t) => {
    const answer = (_, response) => response.writeHead(status).end('{"message":"no"}');
    const url = await serve(t, status === undefined ? correct : answer);
    const cases = ["--only", "good", "--only", "short", "--only", "good-at-last"];
    const { code, stdout } = await run(["doctor", url, ...cases, ...args]);
    assert.equal(code, 1);
    const [count, ...about] = stdout.slice(stdout.indexOf("\n\n")).trim().split("\n");
    assert.match(count, /^[23] of 3 cases failed$/);
    assert.match(about[0], hint ?? /^what each of the failed ones is about:$/);
    assert.equal(about.length, hint === undefined ? 4 : 1);
    assert.doesNotMatch(stdout, /→|\bno\b/);
  });
}

test("an endpoint that has stopped is reported", async () => {
  const { code, stdout } = await run(["doctor", await deadUrl()]);
  assert.equal(code, 1);
  assert.match(stdout, /^4 of \d+ cases failed; \d+ were not sent/m);
  assert.equal(stdout.match(/^[✓✗]/gm).length, 4);
});

test("--json prints one JSON object", async (t) => {
  const url = await serve(t, correct);
  const { code, stdout } = await run(["doctor", url, "--json", "--only", "good"]);
  const { ok, results } = JSON.parse(stdout);
  assert.deepEqual([code, ok, results.length], [0, true, 1]);
  assert.deepEqual(Object.keys(results[0]), ["name", "why", "sent", "expected", "got", "ok"]);
});

test("an unknown case is refused", async () => {
  const { code, stderr } = await run(["doctor", "http://127.0.0.1:9/", "--only", "utf8"]);
  assert.equal(code, 2);
  assert.match(stderr, /^error: there is no such case\ndid you mean lossy-utf8, /);
});
