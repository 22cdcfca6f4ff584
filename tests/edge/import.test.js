// Events of another deployment: what a request may have, what becomes of each line, and the commands around it.

import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { ask, bearer } from "./support/caller.js";
import { acknowledged } from "./support/deliveries.js";
import { event, Gateway, sign, TOKEN } from "./support/gateway.js";
import { Gate, run } from "./support/mover.js";
import { exchange, head } from "./support/raw.js";
import { createToken } from "./support/tokens.js";

const EARLIER = "2026-01-01T12:00:00.000Z";

let gateway;
let folder;
before(async () => {
  gateway = await Gateway.start();
  folder = await mkdtemp(path.join(tmpdir(), "vtryon-import-"));
});
after(async () => {
  await gateway.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A line of an export. */
function line(body, more = {}) {
  const fields = {
    type: "event",
    received_at: EARLIER,
    body: Buffer.from(body).toString("base64"),
  };
  return JSON.stringify({ id: "1.1.0_1", ...fields, signature: sign(body), ...more });
}

const post = (body, init = {}) => gateway.api("/api/import", { method: "POST", body, ...init });

test("a request is refused as a whole, or each line by itself", async () => {
  const ok = line(event("task_whole", "queued"));
  for (const { why, body, query = "", status, words } of [
    { why: "nothing", body: "", status: 400, words: "no line" },
    { why: "blank lines", body: "\n \n", status: 400, words: "no line" },
    { why: "too many lines", body: `${ok}\n`.repeat(201), status: 400, words: "200 lines" },
    { why: "a parameter", body: ok, query: "?force=1", status: 400, words: "parameter" },
  ]) {
    const answer = await gateway.api(`/api/import${query}`, { method: "POST", body });
    assert.equal(answer.status, status, why);
    assert.match(answer.body.message, new RegExp(words), why);
  }
  const long = [`authorization: Bearer ${TOKEN}`, `content-length: ${2 * 1024 * 1024 + 1}`];
  const { status } = await exchange(gateway.url, head("POST", "/api/import", long), ok);
  assert.equal(status, 413, "it is not read");
  assert.equal((await gateway.api("/api/tasks/task_whole")).status, 404, "nothing is applied");
  const { body } = await post(
    [
      ok,
      "{",
      line(event("task_whole", "queued")),
      line(event("task_other", "queued"), { signature: sign("other") }),
      line(event("task_other", "completed")),
      line("no json"),
      line(event("task_other", "queued"), { received_at: "3000-01-01T00:00:00.000Z" }),
    ].join("\n"),
  );
  assert.deepEqual(
    body.lines.map(({ line, result, outcome, error }) => [line, result, outcome ?? error]),
    [
      [1, "stored", "applied"],
      [2, "refused", "invalid_request"],
      [3, "duplicate", "duplicate"],
      [4, "refused", "signature_mismatch"],
      [5, "stored", "applied"],
      [6, "stored", "quarantined"],
      [7, "refused", "invalid_request"],
    ],
  );
  assert.deepEqual([body.stored, body.duplicates, body.refused], [3, 1, 3]);
  const { body: task } = await gateway.api("/api/tasks/task_other");
  assert.deepEqual([task.created_at, task.events[0].received_at], [EARLIER, EARLIER]);
  assert.ok(!gateway.log.join("").includes(sign("no json")), "no signature is logged");
  const bytes = (await post(Buffer.concat([Buffer.from(`${ok}\n`), Buffer.from([0xff])]))).body;
  assert.deepEqual([bytes.duplicates, bytes.refused], [1, 1], "what is not UTF-8 is a line too");
});

test("an event of the longest body that can be configured is imported", async () => {
  const long = await Gateway.start({ bindings: { MAX_BODY_BYTES: String(1024 * 1024) } });
  try {
    const body = event("task_long", "queued", { padding: "x".repeat(1024 * 1024 - 91) });
    const { status, body: answer } = await long.api("/api/import", {
      method: "POST",
      body: line(body),
    });
    assert.deepEqual([status, answer.stored], [200, 1]);
  } finally {
    await long.stop();
  }
});

test("an import takes the scope admin, and is recorded once for all its requests", async () => {
  const { token } = await createToken(gateway, "replay");
  const refused = await ask(gateway, "/api/import", {
    method: "POST",
    headers: bearer(token),
    body: "{}",
  });
  assert.equal(refused.status, 403);
  for (let n = 0; n < 3; n++) await post(line(event(`task_recorded_${n}`, "queued")));
  const { body } = await gateway.api("/api/audit");
  const records = body.records.filter(({ operation }) => operation === "POST /api/import");
  assert.deepEqual(
    records.map(({ target }) => target),
    ["events"],
  );
});

test("the commands: an export goes on after its last whole line, refused lines are named and sent again", async () => {
  const from = await Gateway.start({ bindings: { SHARDS: "3" } });
  try {
    const file = path.join(folder, "events.ndjson");
    const read = async () => (await readFile(file, "utf8")).trimEnd().split("\n");
    const { token } = await createToken(from, "listen");
    const source = { gateway: from.url, token, home: folder };
    const bodies = Array.from({ length: 20 }, (_, n) => event(`task_${n}`, "queued"));
    for (const body of bodies) await acknowledged(from, body);
    const args = ["export", "--output", file];
    assert.match((await run(args, source)).stderr, /^exported 20 events$/m);
    const lines = await read();
    const times = lines.map((text) => JSON.parse(text).received_at);
    assert.deepEqual(times, times.toSorted(), "in the order of time, over all shards");
    const sent = lines.map((text) => String(Buffer.from(JSON.parse(text).body, "base64")));
    assert.deepEqual(sent.sort(), bodies.toSorted());

    await truncate(file, Buffer.byteLength(lines.join("\n")) - 5);
    await acknowledged(from, event("task_0", "processing"));
    assert.match(
      (await run(args, source)).stderr,
      /^the file has 19 events(.|\n)*^exported 2 events$/m,
    );
    assert.equal((await read()).length, 21);
    const until = ["export", "--since", times[5], "--until", times[9]];
    const range = times.filter((at) => at >= times[5] && at < times[9]).length;
    assert.equal((await run(until, source)).stdout.split("\n").length - 1, range);

    const target = { gateway: gateway.url, token: TOKEN, home: folder };
    await appendFile(file, `${line("no json", { signature: sign("x") })}\n`);
    const once = await run(["import", file], target);
    assert.deepEqual([once.code, once.stdout], [1, ""]);
    assert.match(
      once.stderr,
      /^line 22: signature_mismatch: .*\nimported 21 events, 0 were stored already, 1 were refused\n$/m,
    );
    const again = await run(["import", file], target);
    assert.match(again.stderr, /imported 0 events, 21 were stored already, 1 were refused/);
    const piped = await run(["import"], { ...target, input: "pipe", body: `${lines[0]}\n` });
    assert.deepEqual([piped.code, piped.stderr], [0, "imported 0 events, 1 were stored already\n"]);

    const weak = await run(["import", file], {
      ...target,
      token: (await createToken(gateway, "listen")).token,
    });
    assert.match(weak.stderr, /the token may not import events \(403\)\n.*scope admin/);
    for (const [name, why] of [
      ["none", /no such file/],
      [".", /it is no file/],
    ]) {
      const none = await run(["import", path.join(folder, name)], target);
      assert.deepEqual([none.code, why.test(none.stderr)], [2, true], none.stderr);
    }
    await writeFile(path.join(folder, "blank.ndjson"), "\n".repeat(300));
    const blank = await run(["import", path.join(folder, "blank.ndjson")], target);
    assert.deepEqual(blank, {
      code: 0,
      stderr: "imported 0 events, 0 were stored already\n",
      stdout: "",
    });
    await writeFile(path.join(folder, "notes.txt"), "my notes\n");
    const other = await run(["export", "--output", path.join(folder, "notes.txt")], source);
    assert.deepEqual([other.code, /line 1 .*no event of an export/.test(other.stderr)], [2, true]);
    assert.equal(await readFile(path.join(folder, "notes.txt"), "utf8"), "my notes\n");
  } finally {
    await from.stop();
  }
});

test("an import begins anew where another gateway has taken the place of the former one", async () => {
  const [former, other] = await Promise.all([Gateway.start(), Gateway.start()]);
  const gate = await Gate.before(former.url, Number.POSITIVE_INFINITY);
  try {
    const file = path.join(folder, "moved.ndjson");
    const lines = Array.from({ length: 500 }, (_, n) => line(event(`task_${n}`, "queued")));
    await writeFile(file, lines.join("\n"));
    const target = { gateway: gate.url, token: TOKEN, home: folder };
    const { token } = await createToken(former, "listen");
    const weak = await run(["import", file], { ...target, token });
    assert.match(
      weak.stderr,
      /may not import events \(403\)\n[^\n]*scope admin[^\n]*\n$/,
      "no more",
    );
    const imported = async () => (await run(["import", file], target)).stderr;
    assert.match(await imported(), /^imported 500 events, 0 were stored already$/m);
    assert.match(
      await imported(),
      /^500 lines were imported before: going on after them\nimported 0 events/m,
    );
    gate.leadTo(other.url);
    assert.match(await imported(), /beginning anew\nimported \d+ events/);
    const page = await other.api("/api/tasks?prefix=task_499");
    assert.equal(page.body.tasks.length, 1);
    const metrics = await fetch(`${other.url}/api/metrics`, { headers: bearer(TOKEN) });
    assert.match(await metrics.text(), /events_total\{[^}]*\} 500\n/);
  } finally {
    gate.close();
    await Promise.all([former.stop(), other.stop()]);
  }
});

test("an export goes on in no file of another gateway, and loses nothing that --until has left out", async () => {
  const [large, small] = await Promise.all(
    ["1", "1"].map((SHARDS) => Gateway.start({ bindings: { SHARDS } })),
  );
  try {
    const file = path.join(folder, "until.ndjson");
    const of = (from) => ({ gateway: from.url, token: TOKEN, home: folder });
    for (const n of [1, 2, 3]) await acknowledged(large, event(`task_${n}`, "queued"));
    await large.api("/api/import", { method: "POST", body: line(event("task_old", "queued")) });
    const args = ["export", "--output", file];
    const { stderr } = await run([...args, "--until", "2026-02-01T00:00:00Z"], of(large));
    assert.match(stderr, /^exported 0 events$/m, "all that came before it is later");
    assert.match((await run(args, of(large))).stderr, /^exported 4 events$/m);
    await acknowledged(small, event("task_1", "queued"));
    const other = await run(args, of(small));
    assert.deepEqual([other.code, /is another one/.test(other.stderr)], [1, true], other.stderr);
    assert.equal((await readFile(file, "utf8")).trimEnd().split("\n").length, 4);
  } finally {
    await Promise.all([large.stop(), small.stop()]);
  }
});
