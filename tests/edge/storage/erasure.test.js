// Erasure: what is left of an erased task in the objects' rows and in KV, and whoever reads or watches it meanwhile.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { block } from "../../pages.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, attempted, deliveries, delivery } from "../support/deliveries.js";
import { event, Gateway, resultKey, TOKEN, until } from "../support/gateway.js";
import { live, ready } from "../support/live/streams.js";
import { refusal, TRANSPORTS, view } from "../support/live/subscriber.js";
import { TICKET_TOKEN, ticketFor } from "../support/live/tickets.js";

/** What would tell of the person: in ids, names, results and what a backend has answered. */
const PERSON = "anna.karenina";
const TASK = `task_${PERSON}`;

let gateway;
let backend;
let kv;
before(async () => {
  const bindings = { SHARDS: "1", GATEWAY_TICKET_TOKEN: TICKET_TOKEN };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  backend = await Backend.start(({ response, body }) => {
    response.writeHead(500).end(`no, since ${body}`);
  });
  await gateway.register(backend.url, { include: ["unknown"] });
  kv = await gateway.kv();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const erase = (id) => gateway.api(`/api/tasks/${id}`, { method: "DELETE" });
const result = (id) => gateway.api(`/api/tasks/${id}/result`);
const finish = (id) => {
  const data = { result_url: `https://cdn.example/${id}.png` };
  return acknowledged(gateway, event(id, "completed", { data }));
};

/** Every row of the shard, as one text. */
async function rows() {
  await gateway.halt();
  const [{ file }] = await gateway.stored();
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    // Without the runtime's own, which has times that are no numbers of JavaScript.
    const named =
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'";
    const tables = database.prepare(named).all();
    const all = tables.flatMap(({ name }) => database.prepare(`SELECT * FROM ${name}`).all());
    const text = (value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value);
    return JSON.stringify(all.map((row) => Object.values(row).map(text)));
  } finally {
    database.close();
    await gateway.restart();
    kv = await gateway.kv();
  }
}

/** Holds all broadcasts, and the writing of one result to KV, until `release`. Each takes a status that is new. */
const hold = (status) => acknowledged(gateway, event("fault:hold", status));
const release = (status) => acknowledged(gateway, event("fault:release", status));

test("nothing of an erased task is left in rows or in KV, and whatever comes of it is acknowledged", async () => {
  await acknowledged(gateway, event(TASK, "queued"));
  await acknowledged(gateway, JSON.stringify({ event: `rated_by_${PERSON}`, task_id: TASK }));
  await finish(TASK);
  const hasAnswer = ({ attempts }) => attempts[0]?.status === 500;
  await until(async () => (await deliveries(gateway, { task_id: TASK })).some(hasAnswer));
  assert.equal((await result(TASK)).status, 200);
  await until(() => kv.get(resultKey(TASK)));
  assert.ok((await rows()).includes(PERSON), "it is stored, and would be found");

  const env = { ...process.env, URL: gateway.url, TOKEN, TASK };
  const args = ["-euo", "pipefail", "-c", block("erase")];
  const { stdout } = await promisify(execFile)("bash", args, { env });
  const { events, deliveries: ended, ...rest } = JSON.parse(stdout);
  assert.deepEqual([Object.keys(rest), events, ended], [["task_id", "erased_at"], 3, 3]);
  assert.equal(await kv.get(resultKey(TASK)), null);
  const received = backend.received.length;
  for (const status of ["queued", "processing", "failed", "with_anna.karenina"]) {
    await acknowledged(gateway, event(TASK, status));
  }
  const stored = await rows();
  assert.ok(!stored.includes(PERSON), stored);
  for (const path of [`/api/tasks/${TASK}`, `/api/tasks/${TASK}/result`]) {
    assert.equal((await gateway.api(path)).status, 404, path);
  }
  assert.deepEqual(await deliveries(gateway, { task_id: TASK }), []);
  const { body } = await gateway.api("/api/tasks");
  assert.ok(body.tasks.every(({ task_id }) => task_id !== TASK));
  // Another task's event shows that deliveries go on.
  await acknowledged(gateway, event("task_after", "queued"));
  await delivery(gateway, { task_id: "task_after" }, attempted);
  const since = backend.received.slice(received).map(({ body }) => String(body));
  assert.ok(since.every((body) => !body.includes(PERSON)));
  assert.ok(!(await gateway.wholeLog()).includes(PERSON), "nor is anything in the log");
});

test("with a parameter nothing is erased: another thing may be meant", async () => {
  await acknowledged(gateway, event("task_dry", "queued"));
  const { status, body } = await erase("task_dry?dry_run=true");
  assert.deepEqual([status, body.error], [400, "invalid_request"]);
  assert.equal((await gateway.api("/api/tasks/task_dry")).status, 200);
});

test("an unknown task is answered 404", async () => {
  const { status, body } = await erase("task_unknown");
  assert.deepEqual([status, body.error], [404, "not_found"]);
});

test("where KV fails the answer is 503, and the request may be repeated", async () => {
  await finish("fault:kv");
  for (let attempt = 0; attempt < 2; attempt++) {
    const { status, body } = await erase("fault:kv");
    assert.equal(status, 503);
    assert.match(body.message, /KV may still have its result: repeat/);
    assert.equal((await gateway.api("/api/tasks/fault:kv")).status, 404, "it is erased");
  }
  await gateway.logged(/"operation":"DELETE \/api\/tasks\/\{task_id\}","status":503/);
});

test("a reader that writes to KV after the erasure deletes it again", async (t) => {
  // Who watches makes that there are broadcasts to be held.
  await ready(t, "WebSocket", gateway, "/api/live");
  await finish("fault:kv-late");
  await hold("queued");
  assert.equal((await result("fault:kv-late")).status, 200);
  assert.equal((await erase("fault:kv-late")).status, 200);
  await release("queued");
  // It is written, and then deleted.
  await gateway.logged("results: a result was deleted from KV again");
  await until(async () => (await kv.get(resultKey("fault:kv-late"))) === null);
  assert.equal((await result("fault:kv-late")).status, 404);
});

for (const transport of TRANSPORTS) {
  test(`pages and streams of an erased task end: ${transport}`, async (t) => {
    const id = `task_live_${transport}`;
    await acknowledged(gateway, event(id, "queued"));
    const ofTask = await ready(t, transport, gateway, live(id));
    const ofAll = await ready(t, transport, gateway, "/api/live");
    const page = await view(transport, gateway, live(id), { ticket: await ticketFor(gateway, id) });
    t.after(() => page.cut());
    await page.until("snapshot");
    const { last } = page;
    assert.equal((await erase(id)).status, 200);
    const end = transport === "SSE" ? {} : { code: 1000 };
    assert.deepEqual([await ofTask.ended(), await page.ended()], [end, end]);
    assert.equal(ofAll.end, undefined);

    // By the token of the page, and by another ticket.
    const ticket = await ticketFor(gateway, id);
    for (const by of [{ ticket, resume: last }, { ticket }]) {
      if (transport === "SSE") {
        assert.equal((await refusal(transport, gateway, live(id), by)).status, 204);
        continue;
      }
      const again = await view(transport, gateway, live(id), by);
      assert.deepEqual([await again.ended(), again.messages], [{ code: 1000 }, []]);
    }
  });
}

test("what was queued for live streams of an erased task is not sent", async (t) => {
  const watcher = await ready(t, "WebSocket", gateway, "/api/live");
  await hold("processing");
  await acknowledged(gateway, event("task_queued", "queued"));
  await erase("task_queued");
  await release("processing");
  await watcher.until(({ task_id }) => task_id === "fault:release");
  assert.ok(watcher.messages.every(({ task_id }) => task_id !== "task_queued"));
});
