// Times in the fields of forms, in the reader's time zone.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { instant, LATEST, local } from "../../edge-worker/dashboard/src/local-time.js";

const ZONE = process.env.TZ;
after(() => {
  if (ZONE === undefined) delete process.env.TZ;
  else process.env.TZ = ZONE;
});

for (const zone of ["Etc/GMT+12", "UTC", "Asia/Kolkata", "Etc/GMT-14"]) {
  test(`${zone}: the latest time of a field is one that the API takes, and is shown again as it was`, () => {
    process.env.TZ = zone;
    const at = instant(LATEST);
    assert.match(at, /^9999-12-\d\dT\d\d:\d\d:00\.000Z$/);
    assert.equal(local(at), LATEST);
  });
}

test("an empty field is no time, and what is no time is empty", () => {
  assert.equal(instant(""), "");
  assert.equal(local("tomorrow"), "");
});
