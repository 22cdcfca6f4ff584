// A process that claims each of many keys in a database and tells which it got: `claimant.js FILE KEYS`.

import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "vtryon-webhooks/stores";

const [file, keys] = process.argv.slice(2);
const database = new DatabaseSync(file, { timeout: 60_000 });
const store = new SqliteStore(database);
store.migrate();
process.send("ready");
process.once("message", () => {
  const won = [];
  for (let key = 0; key < Number(keys); key += 1) {
    if (store.claim(`key ${key}`, 60_000).state === "claimed") won.push(key);
  }
  database.close();
  process.send(won);
  process.disconnect();
});
