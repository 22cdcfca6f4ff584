// A live deployment moves from 2 shards to 8 while Vtryon keeps posting: nothing is lost, and nothing happens twice.

import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { random } from "../../support/random.js";
import { within } from "../../support/wait.js";
import { createToken } from "../support/api/tokens.js";
import { Backend } from "../support/backends/backend.js";
import { deliveries } from "../support/deliveries.js";
import { event, Gateway, SECRET, until } from "../support/gateway.js";
import { Gate, runMove, startMove } from "../support/move-cli.js";

/** How many tasks there are before the move. */
const HISTORY = 250;

/** Chooses where each event is posted while both gateways are. */
const pick = random(1);

/** Tasks that the old gateway erases. */
const ERASED = ["task_erased_before", "task_erased_meanwhile"];

let folder;
let old;
let next;
let backend;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "vtryon-growing-"));
  old = await Gateway.start({ bindings: { SHARDS: "2" } });
  backend = await Backend.start();
});
after(async () => {
  await old?.stop();
  await next?.stop();
  await backend?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Vtryon: posts the events of a task in their order, and each until it is acknowledged. */
class Poster {
  /** Chooses where an event is posted. */
  to;
  /** The events that were acknowledged, by their tasks. */
  tasks = new Map();
  /** Those that may have come late, each with its task. */
  late = new Set();
  #isStopped = false;
  #loops = Promise.resolve();

  constructor(to) {
    this.to = to;
  }

  async post(task_id, body, name) {
    await until(async () => {
      const answer = await this.to()
        .post(body)
        .catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.status === 200;
    });
    this.tasks.set(task_id, [...(this.tasks.get(task_id) ?? []), name]);
  }

  async life(number) {
    const task_id = `task_${number}`;
    const end = number % 3 === 0 ? "failed" : "completed";
    // Of every sixth task, an event comes late: it is stored, and not delivered.
    const isLate = number % 6 === 1;
    const more = number % 5 === 0 ? ["paused"] : [];
    const statuses = isLate
      ? ["queued", end, "processing"]
      : ["queued", "processing", ...more, end];
    for (const status of statuses) await this.post(task_id, event(task_id, status), status);
    if (isLate) this.late.add(`${task_id} processing`);
    if (number % 7 === 0) {
      const rated = JSON.stringify({ event: "generation.rated", task_id });
      await this.post(task_id, rated, "generation.rated");
    }
    // What comes once more, and what signed bytes can't be read.
    if (number % 4 === 0) await this.post(task_id, event(task_id, "queued"), "queued");
    if (number % 50 === 0) await this.post("unreadable", `no json ${number}`, `no json ${number}`);
  }

  /** Posts the lives of tasks, from a number on, until it is stopped. */
  begin(from, loops = 4) {
    let number = from;
    const all = Array.from({ length: loops }, async () => {
      while (!this.#isStopped) {
        await this.life(number++);
        await turn();
      }
    });
    this.#loops = Promise.all(all);
    // Whoever stops it is told of the fault.
    this.#loops.catch(() => {});
  }

  async stop() {
    this.#isStopped = true;
    await this.#loops;
  }
}

/** What the backend did: each effect by what the event says, once for each webhook-id. */
function effects() {
  const seen = new Set();
  const counts = new Map();
  for (const { headers, body } of backend.received) {
    if (seen.has(headers["webhook-id"])) continue;
    seen.add(headers["webhook-id"]);
    const text = String(body);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** Returns the events of an export by their tasks: what each is, and what it was to its task. */
function timelines(ndjson) {
  const tasks = new Map();
  for (const line of ndjson.split("\n").filter(Boolean)) {
    const { type, task_id, status, event: name, outcome, webhook_id } = JSON.parse(line);
    if (type === "erased") continue;
    const known = tasks.get(task_id ?? "unreadable") ?? [];
    tasks.set(task_id ?? "unreadable", [...known, { what: status ?? name, outcome, webhook_id }]);
  }
  return tasks;
}

async function erase(id) {
  const { status } = await old.api(`/api/tasks/${id}`, { method: "DELETE" });
  assert.equal(status, 200, id);
}

/** Exports a gateway and imports all of it into another one, as the guide does. */
async function move(file, from, to, importedInto = to.url) {
  const exported = await runMove(["export", "--output", file], {
    gateway: from.url,
    token: from.token,
    home: folder,
  });
  assert.equal(exported.code, 0, exported.stderr);
  const imported = await runMove(["import", file], {
    gateway: importedInto,
    token: to.token,
    home: folder,
  });
  assert.equal(imported.code, 0, imported.stderr);
  return imported.stderr;
}

test("a live deployment moves to more shards: 0 lost, 0 twice in effect, the same states", async (t) => {
  const all = { order: "all", include: ["unknown", "quarantined"] };
  await old.register(backend.url, all);
  const poster = new Poster(() => old);
  t.after(() => poster.stop());
  let number = 1;
  const history = Array.from({ length: 8 }, async () => {
    while (number <= HISTORY) await poster.life(number++);
  });
  await Promise.all(history);
  // Two customers ask for erasure: one before the move, one while it goes on.
  for (const id of ERASED) await old.post(event(id, "queued"));
  await erase(ERASED[0]);
  poster.begin(HISTORY + 1);

  // 1. The old gateway collects what comes from now on for the new one, which does not exist yet.
  const forward = await old.register("http://127.0.0.1:9/webhooks/vtryon", {
    ...all,
    paused: true,
  });
  next = await Gateway.start({
    bindings: { SHARDS: "8", VTRYON_WEBHOOK_SECRET_PREVIOUS: forward.secret },
  });
  old.token = (await createToken(old, "listen")).token;
  next.token = (await createToken(next, "admin")).token;

  // 2. The history moves; the export and the import are killed once.
  const file = path.join(folder, "events.ndjson");
  const options = { gateway: old.url, token: old.token, home: folder };
  const { child, ended } = startMove(["export"], options);
  t.after(() => child.kill("SIGKILL"));
  const chunks = [];
  for await (const chunk of child.stdout) {
    chunks.push(chunk);
    if (Buffer.concat(chunks).length > 100_000) break;
  }
  child.kill("SIGKILL");
  await within("the export to end", ended);
  // The last line is not whole.
  await appendFile(file, Buffer.concat(chunks).subarray(0, -10));
  const gate = await Gate.before(next.url, 3);
  t.after(() => gate.close());
  await runMove(["export", "--output", file], options);
  const killed = startMove(["import", file], {
    gateway: gate.url,
    token: next.token,
    home: folder,
  });
  t.after(() => killed.child.kill("SIGKILL"));
  await gate.held;
  killed.child.kill("SIGKILL");
  assert.equal((await within("the import to end", killed.ended)).code, "SIGKILL");
  gate.open();
  assert.match(await move(file, old, next, gate.url), /^400 lines were imported before/m);

  // 3. What was collected follows; from then on each event at once.
  const url = `${next.url}/webhooks/vtryon`;
  await old.api(`/api/endpoints/${forward.id}`, { method: "PATCH", json: { url, paused: false } });

  // 4. The backend gets events of the new gateway too, and then Vtryon posts there: for a while to both.
  await next.register(backend.url, all);
  poster.to = () => (pick(2) === 0 ? old : next);
  const posted = poster.tasks.size;
  await until(() => poster.tasks.size > posted + 40);
  poster.to = () => next;
  await until(() => poster.tasks.size > posted + 80);
  await poster.stop();

  await erase(ERASED[1]);

  // 5. Once the old one has delivered and forwarded all, what it has not forwarded moves too.
  for (const gateway of [old, next]) {
    await until(async () => (await deliveries(gateway, { state: "pending" })).length === 0);
  }
  await move(file, old, next);
  for (const gateway of [old, next]) {
    assert.deepEqual(await deliveries(gateway, { state: "dead" }), []);
  }

  const counts = effects();
  const twice = [...counts].filter(([, count]) => count > 1);
  assert.deepEqual(twice, [], "nothing has an effect twice");
  const texts = [...counts.keys()];
  const done = new Set(texts.map((text) => (text.startsWith("{") ? whatOf(text) : text)));
  const acknowledged = [...poster.tasks].flatMap(([task_id, names]) =>
    names.map((name) => (task_id === "unreadable" ? name : `${task_id} ${name}`)),
  );
  const lost = acknowledged.filter((what) => !done.has(what) && !poster.late.has(what));
  assert.deepEqual(lost, [], "nothing is lost");

  const moved = await runMove(["export"], {
    gateway: next.url,
    token: (await createToken(next, "listen")).token,
    home: folder,
  });
  const [there, here] = [timelines(await readFile(file, "utf8")), timelines(moved.stdout)];
  assert.ok(there.delete(ERASED[1]), "it was exported before");
  for (const id of ERASED) {
    assert.equal((await next.post(event(id, "completed"))).status, 200);
    assert.equal(
      (await next.api(`/api/tasks/${id}`)).status,
      404,
      "a late event brings nothing back",
    );
    assert.equal(here.has(id), false);
  }
  for (const [task_id, events] of there) {
    const ids = here.get(task_id).map(({ webhook_id }) => webhook_id);
    const missing = events.filter(({ webhook_id }) => !ids.includes(webhook_id));
    assert.deepEqual(missing, [], task_id);
    if (task_id === "unreadable") continue;
    const end = (timeline) => timeline.findLast(({ outcome }) => outcome === "applied").what;
    const isWhole = ids.length === events.length;
    if (isWhole) assert.equal(end(here.get(task_id)), end(events), task_id);
  }
  for (const [task_id, names] of poster.tasks) {
    if (task_id === "unreadable") continue;
    const { body } = await next.api(`/api/tasks/${task_id}`);
    assert.equal(body.status, names.includes("failed") ? "failed" : "completed", task_id);
    assert.equal(body.conflict, false, task_id);
    assert.equal(body.events.length, new Set(names).size, task_id);
  }
  for (const gateway of [old, next]) assert.ok(!(await gateway.wholeLog()).includes(SECRET));
});

function whatOf(text) {
  const { task_id, status, event: name } = JSON.parse(text);
  return `${task_id} ${status ?? name}`;
}
