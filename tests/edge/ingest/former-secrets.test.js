// Vtryon's former secrets: listed by their fingerprints, and purged.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway, PREVIOUS, SECRET, sign } from "../support/gateway.js";
import { counted } from "../support/rejections.js";

const FORMER = "whsec_test_former";
const BODY = event("task_1", "completed");

let gateway;
before(async () => {
  const secrets = { VTRYON_WEBHOOK_SECRET: FORMER, VTRYON_WEBHOOK_SECRET_PREVIOUS: undefined };
  gateway = await Gateway.start({ build: "build-faults", bindings: secrets });
  assert.equal((await gateway.post(BODY, { signature: sign(BODY, FORMER) })).status, 200);
  assert.equal((await gateway.post("no json", { signature: sign("no json", FORMER) })).status, 200);
  assert.deepEqual(
    (await list()).map(({ state }) => state),
    ["current"],
  );
  await restart({ VTRYON_WEBHOOK_SECRET: SECRET, VTRYON_WEBHOOK_SECRET_PREVIOUS: PREVIOUS });
});
after(() => gateway.stop());

async function restart(bindings) {
  await gateway.halt();
  await gateway.restart(bindings);
}

async function list() {
  const { status, body } = await gateway.api("/api/secrets");
  assert.equal(status, 200);
  return body.secrets;
}

const purge = (fingerprint) => gateway.api(`/api/secrets/${fingerprint}`, { method: "DELETE" });

/** The mistake behind a webhook that the former secret has signed. */
async function mistake(count) {
  const answer = await gateway.post(BODY, { signature: sign(BODY, FORMER) });
  assert.equal(answer.status, 401);
  const { last_sample } = await counted(gateway, "signature_mismatch", count);
  return last_sample.mistake;
}

test("those that are configured can't be purged, and unknown ones are not found", async () => {
  const secrets = await list();
  assert.deepEqual(secrets.map(({ state }) => state).sort(), ["current", "former", "previous"]);
  for (const { fingerprint, first_seen_at, last_seen_at } of secrets) {
    assert.match(fingerprint, /^[0-9a-f]{8}$/);
    assert.ok(first_seen_at <= last_seen_at);
  }
  for (const { fingerprint } of secrets.filter(({ state }) => state !== "former")) {
    const { status, body } = await purge(fingerprint);
    assert.deepEqual([status, body.error], [409, "conflict"]);
    assert.match(body.message, /VTRYON_WEBHOOK_SECRET/);
  }
  for (const unknown of ["00000000", "FFFFFFFF", "x", "%00", "1b575edd0"]) {
    assert.equal((await purge(unknown)).status, 404, unknown);
  }
  assert.equal((await list()).length, 3);
});

test("when one is purged, only the diagnosis by it ends", async () => {
  assert.equal(await mistake(1), "retired_secret");
  const { fingerprint } = (await list()).find(({ state }) => state === "former");
  const { status, body } = await purge(fingerprint);
  assert.deepEqual([status, body.fingerprint, body.state], [200, fingerprint, "former"]);
  assert.deepEqual((await list()).map(({ state }) => state).sort(), ["current", "previous"]);
  assert.equal((await purge(fingerprint)).status, 404, "once is enough");
  await restart();
  assert.equal(await mistake(2), "unknown");
  const { events } = (await gateway.api("/api/tasks/task_1")).body;
  assert.equal(events[0].key, fingerprint, "events keep the fingerprint of what signed them");
  const { quarantine } = (await gateway.api("/api/quarantine")).body;
  assert.equal(quarantine[0].key, fingerprint);
  assert.equal((await gateway.post(BODY)).status, 200, "what it signed is a duplicate still");
  assert.equal((await gateway.api("/api/tasks/task_1")).body.events.length, 1);
});

test("one that is configured again is remembered again", async () => {
  await restart({ VTRYON_WEBHOOK_SECRET_PREVIOUS: FORMER });
  const states = (await list()).map(({ state }) => state);
  assert.deepEqual(states.sort(), ["current", "former", "previous"]);
});
