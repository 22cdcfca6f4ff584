// `vtryon-webhooks listen` comes back after retention has taken what it missed. A restart skips days: the clock of
// the tests' build is then ahead of this machine's.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Listener, stateFolder } from "../../../node-binding/test/support/run-listen.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, ahead } from "../support/deliveries.js";
import { event, Gateway, TOKEN, until } from "../support/gateway.js";
import { StableProxy } from "../support/stable-proxy.js";

const RETENTION = 48;

const home = stateFolder(after);
let gateway;
let proxy;
let backend;
before(async () => {
  const bindings = { SHARDS: "1", RETENTION_HOURS: String(RETENTION), ...ahead(0) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  proxy = await StableProxy.open(gateway.url);
  backend = await Backend.start();
});
after(async () => {
  await proxy.close();
  await gateway.stop();
  await backend.stop();
});

const listen = (t, ...args) => {
  const forward = ["--forward", backend.url];
  return new Listener(t, { gateway: proxy.url, token: TOKEN, home, args: [...forward, ...args] });
};

test("a gap: exit code 3 with --strict, else a warning and then the stored events", async (t) => {
  const first = await listen(t).ready();
  await acknowledged(gateway, event("task_seen", "queued"));
  await until(() => backend.received.length === 1);
  await first.stop();
  await acknowledged(gateway, event("task_missed", "queued"));
  await acknowledged(gateway, event("task_missed", "processing"));

  await gateway.halt();
  await gateway.restart(ahead(RETENTION + 1));
  proxy.forwardTo(gateway.url);
  await until(async () => (await gateway.api("/api/tasks/task_missed")).status === 404);
  await acknowledged(gateway, event("task_kept", "queued"));

  for (const _ of [1, 2]) {
    const strict = listen(t, "--strict");
    assert.equal(await strict.ended, 3);
    assert.match(strict.stderr, /warning: the gateway no longer has events 2 to 3 of shard 0/);
    assert.equal(strict.stdout, "");
  }
  const lenient = await listen(t).ready();
  await until(() => lenient.lines.length === 1);
  assert.equal(await lenient.stop(), 0);
  assert.match(lenient.stderr, /warning: .* events 2 to 3 of shard 0/);
  assert.deepEqual(lenient.lines, ["queued                      [task_kept]  → 200"]);

  const strict = await listen(t, "--strict").ready();
  assert.equal(await strict.stop(), 0);
  assert.deepEqual(
    backend.bodies.map((body) => JSON.parse(body).task_id),
    ["task_seen", "task_kept"],
  );
});
