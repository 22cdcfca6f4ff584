// A receiver whose handler counts each event in one transaction with its key: `receiver.js FILE CRASH`.
// It kills itself at its first event, before or after the commit, where CRASH says so.

import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { vtryonWebhooks } from "vtryon-webhooks/node";
import { SqliteStore } from "vtryon-webhooks/stores";

const [file, crash] = process.argv.slice(2);
const database = new DatabaseSync(file);
database.exec("CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, times INTEGER NOT NULL)");
const store = new SqliteStore(database);
store.migrate();

const reach = (point) => {
  if (point === crash) process.kill(process.pid, "SIGKILL");
};

/** Keeps the time between effect and key open, so that it is hit by those who kill at any moment. */
const linger = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 15);

const receive = vtryonWebhooks({
  secrets: "whsec_test",
  onEvent({ idempotency_key: key }) {
    store.transaction(key, (tx) => {
      tx.prepare(
        "INSERT INTO effects VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1",
      ).run(key);
      linger();
      reach("before the commit");
    });
    reach("after the commit");
  },
});

const server = createServer(receive).listen(0, "127.0.0.1", () =>
  process.send(server.address().port),
);
process.once("disconnect", () => process.exit());
