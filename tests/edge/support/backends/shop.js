// A shop's backend that fails on purpose: `shop.js FILE SEED`. Each event has one effect, a row, in one
// transaction with the event's key; on the way there and back the backend throws or dies, as the seed says.

import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import express from "express";
import { vtryonWebhooks } from "vtryon-webhooks/express";
import { SqliteStore } from "vtryon-webhooks/stores";

const [file, seed] = process.argv.slice(2);

const database = new DatabaseSync(file, { timeout: 5000 });
database.exec(`PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS visits (key TEXT NOT NULL, fate TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS effects (task_id TEXT NOT NULL, status TEXT NOT NULL)`);
const store = new SqliteStore(database);
store.migrate();
const visits = database.prepare("SELECT count(*) AS count FROM visits WHERE key = ?");
const visit = database.prepare("INSERT INTO visits VALUES (?, ?)");

/** What can happen to an event when it comes first, by the first byte of a digest; later it comes through. */
const FATES = ["throws before", "dies before", "throws after", "dies after"];
const LIKELIHOOD = 16;

function fateOf(key) {
  const [byte] = createHash("sha256").update(`${seed} ${key}`).digest();
  return FATES[Math.floor(byte / LIKELIHOOD)] ?? "comes through";
}

function reach(point, fate) {
  if (fate === `dies ${point}`) process.kill(process.pid, "SIGKILL");
  if (fate === `throws ${point}`) throw new Error(`on purpose: ${fate} the commit`);
}

const receive = vtryonWebhooks({
  onError: () => {},
  onEvent({ idempotency_key: key, task_id, status }) {
    const fate = visits.get(key).count === 0 ? fateOf(key) : "comes through";
    visit.run(key, fate);
    store.transaction(key, (tx) => {
      tx.prepare("INSERT INTO effects VALUES (?, ?)").run(task_id, status);
      reach("before", fate);
    });
    reach("after", fate);
  },
});

const server = express()
  .post("/hook", receive)
  .listen(0, "127.0.0.1", () => process.send(server.address().port));
process.once("disconnect", () => process.exit());
