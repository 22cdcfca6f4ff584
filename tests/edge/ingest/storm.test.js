// A storm: every event of many tasks, repeated, shuffled and all at once. Every task ends as it should.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { random } from "../../support/random.js";
import { event, Gateway } from "../support/gateway.js";

const TASKS = 40;
const COPIES = 3;
const AT_ONCE = 32;

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

function shuffle(list, seed) {
  const pick = random(seed);
  for (let last = list.length - 1; last > 0; last--) {
    const place = pick(last + 1);
    [list[last], list[place]] = [list[place], list[last]];
  }
  return list;
}

for (const seed of [1, 2]) {
  test(`storm ${seed}`, async () => {
    const ends = Array.from({ length: TASKS }, (_, n) => (n % 3 === 0 ? "failed" : "completed"));
    const bodies = ends.flatMap((end, n) =>
      ["queued", "processing", end].map((status) => event(`storm_${seed}_${n}`, status)),
    );
    const storm = shuffle(Array.from({ length: COPIES }, () => bodies).flat(), seed);
    const answers = [];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let body = storm.pop(); body !== undefined; body = storm.pop()) {
          answers.push((await gateway.post(body)).status);
        }
      }),
    );
    assert.deepEqual([...new Set(answers)], [200]);
    assert.equal(answers.length, TASKS * 3 * COPIES);
    for (const [n, end] of ends.entries()) {
      const { body } = await gateway.api(`/api/tasks/storm_${seed}_${n}`);
      assert.equal(body.status, end);
      assert.equal(body.events.length, 3, "each event is kept once");
      assert.equal(body.duplicates, 3 * (COPIES - 1));
      assert.deepEqual(
        body.events.map(({ seq }) => seq),
        body.events.map(({ seq }) => seq).toSorted((a, b) => a - b),
      );
    }
  });
}
