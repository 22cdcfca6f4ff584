// The hourly sweep repairs a shard whose alarm the platform has lost, without any request to it.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { event, Gateway, until } from "../support/gateway.js";

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "2" } });
  backend = await Backend.start("close");
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

/** Loses every alarm, as the runtime keeps them: in a file of each class, beside those of its objects. */
function loseAlarms() {
  const files = readdirSync(gateway.folder, { recursive: true }).filter((name) =>
    name.endsWith("metadata.sqlite"),
  );
  let lost = 0;
  for (const name of files) {
    const database = new DatabaseSync(path.join(gateway.folder, name));
    lost += database.prepare("DELETE FROM _cf_ALARM").run().changes;
    database.close();
  }
  return lost;
}

test("what is due is delivered after the alarm was lost", async () => {
  await gateway.register(backend.url);
  assert.equal((await gateway.post(event("task_1", "completed"))).status, 200);
  await until(() => backend.received.length > 0);
  await gateway.halt();
  assert.ok(loseAlarms() > 0, "there was an alarm to lose");
  backend.answer = "ok";
  const received = backend.received.length;
  await gateway.restart();

  assert.equal((await gateway.sweep()).outcome, "ok");
  await until(() => backend.received.length > received);
});
