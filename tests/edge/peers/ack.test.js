// What acknowledgements are measured beside (bench/peers/ack-worker.js) does the same work: for each event it writes as
// many rows as the gateway, as the platform bills them, and in the end it has stored the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { Miniflare } from "miniflare";
import { shardFile } from "../../../bench/gateway/seed.js";
import { RUNTIME } from "../../runtime.js";
import { event, Gateway, SECRET, sign } from "../support/gateway.js";
import { metered, rows } from "../support/metering.js";

const PEERS = path.resolve(import.meta.dirname, "../../../bench/peers");

/** The peer, whose object remembers the cursors of its statements: each tells how many rows it has written. */
const COUNTED = `
import worker, { Shard as Peer } from "./ack-worker.js";

export class Shard extends Peer {
  constructor(state, env) {
    const cursors = [];
    const sql = Object.getPrototypeOf(state.storage.sql);
    const { exec } = sql;
    sql.exec = function (...given) {
      const cursor = exec.apply(this, given);
      cursors.push(cursor);
      return cursor;
    };
    super(state, env);
    this.cursors = cursors;
  }

  written() {
    return this.cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
  }
}

export default {
  async fetch(request, env) {
    if (request.method !== "GET") return worker.fetch(request, env);
    return new Response(await env.SHARD.getByName("shard-0").written());
  },
};
`;

let folder;
let peer;
let url;
let gateway;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1" } });
  folder = await mkdtemp(path.join(tmpdir(), "vtryon-peer-"));
  const module = (name, contents = readFileSync(path.join(PEERS, name), "utf8")) => ({
    type: "ESModule",
    path: name,
    contents,
  });
  peer = new Miniflare({
    modules: [
      module("counted.js", COUNTED),
      ...["ack-worker.js", "event-store.js", "verified.js"].map((name) => module(name)),
    ],
    ...RUNTIME,
    bindings: { SECRET, SHARDS: "1" },
    durableObjects: { SHARD: { className: "Shard", useSQLite: true } },
    durableObjectsPersist: folder,
    host: "127.0.0.1",
    cf: false,
  });
  url = String(await peer.ready);
});
after(async () => {
  await gateway.stop();
  await peer.dispose().catch(() => {});
  await rm(folder, { recursive: true, force: true });
});

const post = {
  gateway: (body) => gateway.post(body),
  peer: (body) => {
    const headers = { "x-vtryon-signature": sign(body) };
    return fetch(`${url}webhooks/vtryon`, { method: "POST", body, headers });
  },
};

/** How many rows each has written so far. */
const written = {
  gateway: async () => rows(await metered(gateway)),
  peer: async () => Number(await (await fetch(url)).text()),
};

/** Returns how many rows an event makes one write. */
async function writes(which, body) {
  const before = await written[which]();
  assert.equal((await post[which](body)).status, 200);
  return (await written[which]()) - before;
}

/** The first events of each bring its stored form up to date too. */
test("each is ready", async () => {
  for (const which of Object.keys(post)) await writes(which, event("task_first", "queued"));
});

for (const [name, body, expected] of [
  ["a first event", event("task_peer", "queued"), 4],
  ["a further event", event("task_peer", "processing"), 2],
  ["a duplicate", event("task_peer", "queued"), 0],
]) {
  test(`${name}: ${expected} rows in both`, async () => {
    for (const which of Object.keys(post)) {
      assert.equal(await writes(which, body), expected, which);
    }
  });
}

test("both store the same rows, except for times and the key's name, in the same tables and indices", async () => {
  await gateway.halt();
  await peer.dispose();
  const [ours, theirs] = [path.join(gateway.folder, "objects"), folder].map((objects) => {
    const database = new DatabaseSync(shardFile(objects), { readOnly: true });
    const all = (sql) => database.prepare(sql).all();
    const stored = {
      schema: all(
        "SELECT name, sql FROM sqlite_schema WHERE tbl_name IN ('tasks', 'events') ORDER BY name",
      ).map(({ name, sql }) => ({
        name,
        sql: sql?.replace(/\s+/g, " ").replace(/([(]) | ([)])/g, "$1$2"),
      })),
      tasks:
        all(`SELECT no, task_id, open, stage, seen, unknown, last_seq, duplicates, LENGTH(key), result_url, failure,
        final_at FROM tasks`),
      events:
        all(`SELECT seq, task_no, previous, name, status, outcome, LENGTH(key), digest, HEX(body)
        FROM events`),
    };
    database.close();
    return stored;
  });
  assert.equal(ours.events.length, 3);
  assert.deepEqual(theirs, ours);
});
