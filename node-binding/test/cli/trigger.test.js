// trigger: the lifecycle of a task with every fault, and retries.

import assert from "node:assert/strict";
import { test } from "node:test";
import { constructEvent, WebhookError } from "vtryon-webhooks";
import { read } from "../../../tests/pages.js";
import { bodyOf, deadUrl, run, SECRET, serve } from "../support/run-cli.js";

/** Accepts signed requests and records them; answers the first `failing` requests with the given answer. */
async function receiver(t, { failing = 0, status = 500, headers = {} } = {}) {
  const seen = [];
  const url = await serve(t, async (request, response) => {
    const body = await bodyOf(request);
    if (seen.length < failing) {
      seen.push(status);
      return response.writeHead(status, headers).end();
    }
    try {
      const signature = request.headersDistinct["x-vtryon-signature"];
      const event = constructEvent(body, signature, SECRET);
      seen.push(event.status);
      response.writeHead(200).end();
    } catch (error) {
      seen.push(error.code);
      response.writeHead(WebhookError.is(error) ? error.status : 500).end();
    }
  });
  return { url, seen };
}

const [QUEUED, PROCESSING, COMPLETED, FAILED] = ["queued", "processing", "completed", "failed"];
const BAD = "signature_mismatch";

for (const [name, args, expected] of [
  ["try-on", ["try-on"], [QUEUED, PROCESSING, COMPLETED]],
  ["ai-model", ["ai-model"], [QUEUED, PROCESSING, COMPLETED]],
  ["poses, failing", ["poses", "--fail"], [QUEUED, PROCESSING, FAILED]],
  [
    "duplicate",
    ["recolor", "--fault", "duplicate"],
    [QUEUED, QUEUED, PROCESSING, PROCESSING, COMPLETED, COMPLETED],
  ],
  ["reversed", ["poses", "--fault", "reversed"], [COMPLETED, PROCESSING, QUEUED]],
  ["late", ["poses", "--fault", "late"], [QUEUED, COMPLETED, PROCESSING]],
  [
    "bad-signature",
    ["poses", "--fault", "bad-signature"],
    [BAD, QUEUED, BAD, PROCESSING, BAD, COMPLETED],
  ],
  [
    "re-serialised",
    ["poses", "--fault", "re-serialised"],
    [BAD, QUEUED, BAD, PROCESSING, BAD, COMPLETED],
  ],
  [
    "several faults",
    ["poses", "--fault", "reversed", "--fault", "bad-signature", "--fault", "duplicate"],
    [BAD, COMPLETED, COMPLETED, BAD, PROCESSING, PROCESSING, BAD, QUEUED, QUEUED],
  ],
]) {
  test(name, async (t) => {
    const { url, seen } = await receiver(t);
    const { code, stdout, stderr } = await run(["trigger", ...args, "--to", url]);
    assert.deepEqual([code, stderr, seen], [0, "", expected]);
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.length, expected.length + 1);
    assert.match(
      lines[0],
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\w+.* \[task_[0-9a-f]{12}\] {2}→ \d{3}$/,
    );
    const good = expected.filter((status) => status !== BAD).length;
    const refused = expected.length - good;
    const summary = `${good} of ${good} events accepted`;
    assert.equal(
      lines.at(-1),
      refused === 0 ? summary : `${summary}, ${refused} of ${refused} forgeries refused`,
    );
  });
}

test("events that were not accepted are retried, and do not delay the others", async (t) => {
  const { url, seen } = await receiver(t, { failing: 2 });
  const args = ["trigger", "try-on", "--to", url, "--time-scale", "1000", "--task", "task_1"];
  const { code, stdout } = await run([...args, "--json"]);
  assert.equal(code, 0);
  assert.deepEqual(seen, [500, 500, COMPLETED, QUEUED, PROCESSING]);
  const lines = stdout.trimEnd().split("\n").map(JSON.parse);
  assert.deepEqual(
    lines.map((line) => [line.status, line.attempt, line.answer, line.retry_in_ms]),
    [
      [QUEUED, 1, 500, 110_000],
      [PROCESSING, 1, 500, 110_000],
      [COMPLETED, 1, 200, null],
      [QUEUED, 2, 200, null],
      [PROCESSING, 2, 200, null],
    ],
  );
  // 110 seconds are 110 ms here, and the clock of the lines has whole milliseconds.
  assert.ok(Date.parse(lines[3].time) - Date.parse(lines[0].time) >= 109);
  assert.ok(lines.every(({ task_id, forged }) => task_id === "task_1" && forged === null));
});

test("retry-after is printed, and does not change the schedule", async (t) => {
  const { url } = await receiver(t, { failing: 1, status: 503, headers: { "retry-after": "9" } });
  const { code, stdout } = await run(["trigger", "poses", "--to", url, "--time-scale", "2000"]);
  assert.equal(code, 0);
  assert.match(stdout, /→ 503 \(retry-after 9 s\), retry 1 of 5 in 1\.8 m, here 0\.06 s\n/);
  assert.match(stdout, /→ 200, attempt 2\n/);
});

test("an event is retried five times over 24 hours, then given up", async () => {
  const args = ["trigger", "poses", "--to", await deadUrl(), "--time-scale", "1000000", "--json"];
  const { code, stdout } = await run(args);
  assert.equal(code, 1);
  const lines = stdout.trimEnd().split("\n").map(JSON.parse);
  // The steps of the core, without the jitter.
  const steps = JSON.parse(read("tests/vectors/retry.json"))
    .filter(({ name }) => /^a task, retry \d$|^the last attempt$/.test(name))
    .map(({ nominal }) => nominal);
  assert.equal(steps.length, 6);
  assert.deepEqual(
    lines.filter(({ status }) => status === QUEUED).map(({ retry_in_ms }) => retry_in_ms),
    steps,
  );
  assert.ok(lines.every(({ failure, answer }) => failure === "connection refused" && !answer));
});

test("--retries limits the retries", async () => {
  const { code, stdout } = await run([
    "trigger",
    "poses",
    "--to",
    await deadUrl(),
    "--retries",
    "0",
  ]);
  assert.equal(code, 1);
  assert.equal(stdout.match(/→ connection refused, given up\n/g).length, 3);
  assert.match(stdout, /^0 of 3 events accepted$/m);
});

for (const [name, fault, answer, output] of [
  ["taken", "bad-signature", 200, /\(bad-signature\) .*→ 200, must be refused\n/],
  ["answered with a fault", "re-serialised", 500, /\(re-serialised\) .*→ 500, must be refused\n/],
]) {
  test(`a forgery is ${name}`, async (t) => {
    const url = await serve(t, (_, response) => response.writeHead(answer).end());
    const args = ["trigger", "poses", "--to", url, "--retries", "0", "--fault", fault];
    const { code, stdout } = await run(args);
    assert.equal(code, 1);
    assert.match(stdout, output);
    assert.match(stdout, /0 of 3 forgeries refused$/m);
  });
}

for (const [name, answers, faults, hint] of [
  ["another secret", [401], [], /^The endpoint refuses good events: is this the secret/],
  ["also when forgeries are refused", [401], ["bad-signature"], /^The endpoint refuses good/],
  ["another path", [404, 405, 404], [], /^Nothing takes a POST at this path: /],
  ["whatever forgeries are answered", [401, 404], ["bad-signature"], /^Nothing takes a POST/],
  ["not when answers differ", [401, 404, 401], [], undefined],
  ["not for a fault", [500], [], undefined],
]) {
  test(`the likely cause is printed: ${name}`, async (t) => {
    let count = 0;
    const url = await serve(t, (_, response) => {
      const status = answers[count % answers.length];
      count += 1;
      response.writeHead(status).end('{"error":"the_code","message":"said"}');
    });
    const chosen = faults.flatMap((fault) => ["--fault", fault]);
    const args = ["trigger", "poses", "--to", url, "--retries", "0", ...chosen];
    const { code, stdout } = await run(args);
    assert.equal(code, 1);
    const lines = stdout.trimEnd().split("\n");
    const hints = lines.slice(0, -1).filter((line) => !line.includes("→"));
    assert.equal(hints.length, hint === undefined ? 0 : 1);
    if (hint !== undefined) assert.match(hints[0], hint);
    assert.match(lines[0], /→ \d{3} the_code/);
    assert.match(lines.at(-1), /^0 of 3 events accepted/);
    assert.ok(!stdout.includes("said"));
    const json = await run([...args, "--json"]);
    for (const line of json.stdout.trimEnd().split("\n")) assert.ok(JSON.parse(line).answer);
  });
}
