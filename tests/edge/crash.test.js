// kill -9 in the middle of it: whatever was acknowledged is there afterwards, and its side effects are done.
// It tests a killed process, not a power failure of the machine.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway, until } from "./support/gateway.js";

const SENDERS = 16;

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

for (const round of [1, 2, 3]) {
  test(`kill -9 under load, round ${round}`, async () => {
    const acknowledged = [];
    let killed = false;
    const sender = async (_, n) => {
      for (let m = 0; !killed; m++) {
        const id = `crash_${round}_${n}_${m}`;
        const answer = await gateway.post(event(id, "completed")).catch(() => undefined);
        if (answer?.status === 200) acknowledged.push(id);
        else assert.ok(answer === undefined || answer.status === 503, `answered ${answer?.status}`);
      }
    };
    const senders = Array.from({ length: SENDERS }, sender);
    await until(() => acknowledged.length >= 150 * round);
    await gateway.kill();
    killed = true;
    await Promise.all(senders);
    await gateway.restart();

    for (const id of acknowledged) {
      const { status, body } = await gateway.api(`/api/tasks/${id}`);
      assert.deepEqual([id, status, body.status], [id, 200, "completed"]);
    }
    // Side effects that were pending at the kill are executed by the alarm, which survives the process.
    const kv = await gateway.kv();
    for (const id of acknowledged) await until(() => kv.get(`result:${id}`));
  });
}

test("an alarm outlives a restart without a request", async () => {
  await gateway.post(event("alarm_alone", "completed"));
  await gateway.kill();
  await gateway.restart();
  const kv = await gateway.kv();
  assert.ok(await until(() => kv.get("result:alarm_alone")));
});
