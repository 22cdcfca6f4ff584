// Events of another deployment: what a request may have, what becomes of each line, and the commands around it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { ask, bearer } from "../support/api/caller.js";
import { createToken } from "../support/api/tokens.js";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway, resultKey, sign, TOKEN, until } from "../support/gateway.js";
import { Gate, runMove } from "../support/move-cli.js";
import { exchange, head } from "../support/raw.js";

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

/** The line of a task that was erased. */
function erasure(task_id, more = {}) {
  const task_digest = createHash("sha256").update(task_id).digest("hex");
  const fields = { id: "1.1.0_1", type: "erased", task_digest, erased_at: EARLIER };
  return JSON.stringify({ ...fields, ...more });
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
  const long = [`authorization: Bearer ${TOKEN}`, `content-length: ${3 * 1024 * 1024 + 1}`];
  const { status, body: reason } = await exchange(
    gateway.url,
    head("POST", "/api/import", long),
    ok,
  );
  assert.equal(status, 413, "it is not read");
  assert.match(String(reason), /longer than 3145728 bytes/);
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
  assert.deepEqual([body.stored, body.duplicates, body.capped, body.refused], [3, 1, 0, 3]);
  const { body: task } = await gateway.api("/api/tasks/task_other");
  assert.deepEqual([task.created_at, task.events[0].received_at], [EARLIER, EARLIER]);
  const bytes = (await post(Buffer.concat([Buffer.from(`${ok}\n`), Buffer.from([0xff])]))).body;
  assert.deepEqual([bytes.duplicates, bytes.refused], [1, 1], "what is not UTF-8 is a line too");
  assert.ok(!(await gateway.wholeLog()).includes(sign("no json")), "no signature is logged");
});

test("more lines than a shard stores at once keep their order and their bodies", async () => {
  const tasks = Array.from({ length: 60 }, (_, n) => `task_part_${n}`);
  const lines = ["queued", "processing"].flatMap((status) =>
    tasks.map((task) => line(event(task, status))),
  );
  lines[70] = line(event("task_part_70", "queued"), { signature: sign("other") });
  const { body } = await post(lines.join("\n"));
  assert.deepEqual([body.stored, body.refused], [119, 1]);
  assert.deepEqual(
    body.lines.map(({ line, outcome, error }) => [line, outcome ?? error]),
    lines.map((_, n) => [n + 1, n === 70 ? "signature_mismatch" : "applied"]),
  );
  for (const task of ["task_part_0", "task_part_59"]) {
    const { events } = (await gateway.api(`/api/tasks/${task}`)).body;
    assert.deepEqual(
      events.map(({ status }) => status),
      ["queued", "processing"],
    );
  }
});

test("an event of the longest body that can be configured is imported", async () => {
  const long = await Gateway.start({ bindings: { MAX_BODY_BYTES: String(1024 * 1024) } });
  try {
    const completed = (result_url) => event("task_long", "completed", { data: { result_url } });
    const result_url = "x".repeat(1024 * 1024 - completed("").length);
    const body = completed(result_url);
    const { status, body: answer } = await long.api("/api/import", {
      method: "POST",
      body: line(body, { task: { result_url } }),
    });
    assert.deepEqual([status, answer.stored], [200, 1]);
  } finally {
    await long.stop();
  }
});

test("an erasure is stored once, and refused where it names no task", async () => {
  const { body } = await post(
    [
      erasure("task_gone"),
      erasure("task_gone"),
      erasure("task_gone", { task_digest: "no digest" }),
      erasure("task_gone", { erased_at: "3000-01-01T00:00:00.000Z" }),
      line(event("task_gone", "queued")),
    ].join("\n"),
  );
  assert.deepEqual(
    body.lines.map(({ result, outcome, error }) => [result, outcome ?? error]),
    [
      ["stored", "erased"],
      ["duplicate", "duplicate"],
      ["refused", "invalid_request"],
      ["refused", "invalid_request"],
      ["duplicate", "duplicate"],
    ],
  );
});

test("an event that its task has no room for is neither stored nor a duplicate", async () => {
  const statuses = Array.from({ length: 17 }, (_, n) => line(event("task_full", `unheard_${n}`)));
  const { body } = await post(statuses.join("\n"));
  assert.deepEqual([body.stored, body.duplicates, body.capped, body.refused], [16, 0, 1, 0]);
  assert.deepEqual(body.lines.at(-1), { line: 17, result: "capped", outcome: "capped" });
  const file = path.join(folder, "full.ndjson");
  await writeFile(file, statuses.join("\n"));
  const target = { gateway: gateway.url, token: TOKEN, home: folder };
  const { code, stderr } = await runMove(["import", file], target);
  assert.equal(code, 0);
  assert.match(
    stderr,
    /^imported 0 events, 16 were stored already, 1 was left out: too many unknown/m,
  );
});

test("an erased task is erased in the next deployment, whatever has come there", async () => {
  const [from, to] = await Promise.all(
    ["2", "3"].map((SHARDS) => Gateway.start({ bindings: { SHARDS } })),
  );
  try {
    const file = path.join(folder, "erased.ndjson");
    const { token } = await createToken(from, "listen");
    const move = async (into = to) => {
      const source = { gateway: from.url, token, home: folder };
      const { stderr } = await runMove(["export", "--output", file], source);
      const target = { gateway: into.url, token: TOKEN, home: folder };
      return stderr + (await runMove(["import", file], target)).stderr;
    };
    const erase = async (id) => {
      assert.equal((await from.api(`/api/tasks/${id}`, { method: "DELETE" })).status, 200);
    };
    const isGone = async (gateway, id) => {
      await until(
        async () => (await gateway.api(`/api/tasks?prefix=${id}`)).body.tasks.length === 0,
      );
      for (const of of [`/api/tasks/${id}`, `/api/tasks/${id}/result`]) {
        assert.equal((await gateway.api(of)).status, 404, of);
      }
      await acknowledged(gateway, event(id, "processing"));
      assert.equal(
        (await gateway.api(`/api/tasks/${id}`)).status,
        404,
        "a late event is not stored",
      );
    };
    const data = { result_url: "https://cdn.example/anna.png" };
    for (const id of ["task_anna_1", "task_anna_2", "task_other"]) {
      await acknowledged(from, event(id, "completed", { data }));
    }
    await erase("task_anna_1");
    assert.match(
      await move(),
      /^exported 2 events, and 1 erasure$(.|\n)*^imported 2 .*, 1 task erased$/m,
    );
    await isGone(to, "task_anna_1");

    // One that has been read there, so that KV has it, and of which more has come.
    assert.equal((await to.api("/api/tasks/task_anna_2/result")).status, 200);
    const kv = await to.kv();
    await until(() => kv.get(resultKey("task_anna_2")));
    await acknowledged(to, event("task_anna_2", "failed"));
    await erase("task_anna_2");
    assert.match(
      await move(),
      /^exported 0 events, and 1 erasure$(.|\n)*^imported 0 .*, 1 task erased$/m,
    );
    assert.equal(await kv.get(resultKey("task_anna_2")), null);
    await isGone(to, "task_anna_2");
    assert.match(await move(), /^exported 0 events$(.|\n)*^imported 0 events, 0 were/m);
    assert.equal((await to.api("/api/tasks/task_other")).status, 200);

    // The whole file, events of the erased task among them, as a backup is restored.
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    const types = lines.map((text) => JSON.parse(text).type);
    assert.deepEqual(types, ["event", "event", "erased", "erased"]);
    const restored = await Gateway.start();
    try {
      await move(restored);
      await isGone(restored, "task_anna_2");
    } finally {
      await restored.stop();
    }
  } finally {
    await Promise.all([from.stop(), to.stop()]);
  }
});

test("a history of more secrets than two is imported once for each older one", async () => {
  const [oldest, older, current] = ["oldest", "older", "current"].map(
    (name) => `the ${name} secret of Vtryon`,
  );
  const file = path.join(folder, "rotated.ndjson");
  const secrets = [oldest, older, oldest, older, current, current];
  const lines = secrets.map((secret, n) => {
    const body = event(`task_${n}`, "queued");
    // Now: what is older than the retention is pruned at once.
    const received_at = new Date().toISOString();
    return line(body, { received_at, signature: sign(body, secret) });
  });
  await writeFile(file, `${lines.join("\n")}\n`);
  const bindings = { VTRYON_WEBHOOK_SECRET: current };
  const to = await Gateway.start({
    bindings: { ...bindings, VTRYON_WEBHOOK_SECRET_PREVIOUS: oldest },
  });
  try {
    const runs = [];
    for (const previous of [oldest, older]) {
      await to.halt();
      await to.restart({ VTRYON_WEBHOOK_SECRET_PREVIOUS: previous });
      runs.push(await runMove(["import", file], { gateway: to.url, token: TOKEN, home: folder }));
    }
    assert.deepEqual(
      runs.map(({ code }) => code),
      [1, 1],
    );
    assert.match(runs[0].stderr, /^line 2: signature_mismatch(.|\n)*^line 4: signature_mismatch/m);
    assert.match(runs[0].stderr, /^imported 4 events, 0 were stored already, 2 were refused$/m);
    assert.match(runs[1].stderr, /^line 1: signature_mismatch(.|\n)*^line 3: signature_mismatch/m);
    assert.match(runs[1].stderr, /^imported 2 events, 2 were stored already, 2 were refused$/m);
    const source = {
      gateway: to.url,
      token: (await createToken(to, "listen")).token,
      home: folder,
    };
    const { stdout } = await runMove(["export"], source);
    assert.equal(stdout.trimEnd().split("\n").length, lines.length, "as many as in the file");
  } finally {
    await to.stop();
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
    assert.match((await runMove(args, source)).stderr, /^exported 20 events$/m);
    const lines = await read();
    const times = lines.map((text) => JSON.parse(text).received_at);
    assert.deepEqual(times, times.toSorted(), "in the order of time, over all shards");
    const sent = lines.map((text) => String(Buffer.from(JSON.parse(text).body, "base64")));
    assert.deepEqual(sent.sort(), bodies.toSorted());

    await truncate(file, Buffer.byteLength(lines.join("\n")) - 5);
    await acknowledged(from, event("task_0", "processing"));
    assert.match(
      (await runMove(args, source)).stderr,
      /^the file has 19 lines(.|\n)*^exported 2 events$/m,
    );
    assert.equal((await read()).length, 21);
    const part = ["export", "--since", times[5], "--until", times[9]];
    const range = times.filter((at) => at >= times[5] && at < times[9]).length;
    assert.equal((await runMove(part, source)).stdout.split("\n").length - 1, range);

    const target = { gateway: gateway.url, token: TOKEN, home: folder };
    await appendFile(file, `${line("no json", { signature: sign("x") })}\n`);
    const once = await runMove(["import", file], target);
    assert.deepEqual([once.code, once.stdout], [1, ""]);
    assert.match(
      once.stderr,
      /^line 22: signature_mismatch: .*\nimported 21 events, 0 were stored already, 1 was refused\n$/m,
    );
    const again = await runMove(["import", file], target);
    assert.match(again.stderr, /imported 0 events, 21 were stored already, 1 was refused/);
    const piped = await runMove(["import"], { ...target, input: "pipe", body: `${lines[0]}\n` });
    assert.deepEqual([piped.code, piped.stderr], [0, "imported 0 events, 1 was stored already\n"]);

    const weak = await runMove(["import", file], {
      ...target,
      token: (await createToken(gateway, "listen")).token,
    });
    assert.match(weak.stderr, /the token may not import events \(403\)\n.*scope admin/);
    for (const [name, why] of [
      ["none", /no such file/],
      [".", /it is no file/],
    ]) {
      const none = await runMove(["import", path.join(folder, name)], target);
      assert.deepEqual([none.code, why.test(none.stderr)], [2, true], none.stderr);
    }
    await writeFile(path.join(folder, "blank.ndjson"), "\n".repeat(300));
    const blank = await runMove(["import", path.join(folder, "blank.ndjson")], target);
    assert.deepEqual(blank, {
      code: 0,
      stderr: "imported 0 events, 0 were stored already\n",
      stdout: "",
    });
    await writeFile(path.join(folder, "notes.txt"), "my notes\n");
    const other = await runMove(["export", "--output", path.join(folder, "notes.txt")], source);
    assert.deepEqual([other.code, /line 1 .*no event of an export/.test(other.stderr)], [2, true]);
    assert.equal(await readFile(path.join(folder, "notes.txt"), "utf8"), "my notes\n");
  } finally {
    await from.stop();
  }
});

test("an import begins anew where another gateway has taken the place of the former one", async () => {
  const [former, other, foreign] = await Promise.all([
    Gateway.start(),
    Gateway.start(),
    Gateway.start({ bindings: { VTRYON_WEBHOOK_SECRET: "another secret" } }),
  ]);
  const gate = await Gate.before(former.url, Number.POSITIVE_INFINITY);
  try {
    const file = path.join(folder, "moved.ndjson");
    const lines = Array.from({ length: 497 }, (_, n) => line(event(`task_${n}`, "queued")));
    // A task whose events are in the first batch, in one in between, and in the last one.
    for (const [at, status] of [
      [10, "queued"],
      [250, "processing"],
      [499, "completed"],
    ]) {
      lines.splice(at, 0, line(event("task_long", status)));
    }
    await writeFile(file, lines.join("\n"));
    const target = { gateway: gate.url, token: TOKEN, home: folder };
    const { token } = await createToken(former, "listen");
    const weak = await runMove(["import", file], { ...target, token });
    assert.match(
      weak.stderr,
      /may not import events \(403\)\n[^\n]*scope admin[^\n]*\n$/,
      "no more",
    );
    const imported = async () => (await runMove(["import", file], target)).stderr;
    assert.match(await imported(), /^imported 500 events, 0 were stored already$/m);
    assert.match(
      await imported(),
      /^500 lines were imported before: going on after them\nimported 0 events/m,
    );
    gate.forwardTo(other.url);
    assert.match(await imported(), /beginning anew\nimported 500 events, 0 were stored already$/m);
    const outcomes = async (of) => {
      const { body } = await of.api("/api/tasks/task_long");
      return body.events.map(({ status, outcome }) => [status, outcome]);
    };
    assert.deepEqual(await outcomes(other), await outcomes(former), "in the order of the file");
    const page = await other.api("/api/tasks?prefix=task_496");
    assert.equal(page.body.tasks.length, 1);
    const metrics = await fetch(`${other.url}/api/metrics`, { headers: bearer(TOKEN) });
    assert.match(await metrics.text(), /events_total\{[^}]*\} 500\n/);
    gate.forwardTo(foreign.url);
    const { code, stderr } = await runMove(["import", file], target);
    assert.equal(code, 1, "it has none of them, and takes none");
    assert.match(stderr, /beginning anew\nline 1: signature_mismatch/);
    assert.match(stderr, /^imported 0 events, 0 were stored already, 500 were refused$/m);
    // What was blank was not sent, so nothing tells whether the gateway has what stands before it.
    await writeFile(file, `${lines[0]}\n${"\n".repeat(400)}`);
    gate.forwardTo(former.url);
    assert.match(await imported(), /^imported 0 events, 1 was stored already$/m);
    gate.forwardTo(foreign.url);
    assert.equal((await runMove(["import", file], target)).code, 1);
  } finally {
    gate.close();
    await Promise.all([former.stop(), other.stop(), foreign.stop()]);
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
    const { stderr } = await runMove([...args, "--until", "2026-02-01T00:00:00Z"], of(large));
    assert.match(stderr, /^exported 0 events$/m, "all that came before it is later");
    assert.match((await runMove(args, of(large))).stderr, /^exported 4 events$/m);
    await acknowledged(small, event("task_1", "queued"));
    const other = await runMove(args, of(small));
    assert.deepEqual([other.code, /is another one/.test(other.stderr)], [1, true], other.stderr);
    assert.equal((await readFile(file, "utf8")).trimEnd().split("\n").length, 4);
  } finally {
    await Promise.all([large.stop(), small.stop()]);
  }
});
