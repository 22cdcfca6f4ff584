// Clicks of a button that has another meaning once it has acted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyOnce } from "../../edge-worker/dashboard/src/api/load.js";

for (const { name, clicks, acts } of [
  { name: "a key", clicks: [0], acts: 1 },
  { name: "a double click", clicks: [1, 2], acts: 1 },
  { name: "a triple click", clicks: [1, 2, 3], acts: 1 },
  { name: "two clicks", clicks: [1, 1], acts: 2 },
]) {
  test(`${name} acts ${acts} times`, () => {
    let acted = 0;
    const click = onlyOnce(() => {
      acted += 1;
    });
    for (const detail of clicks) click({ detail });
    assert.equal(acted, acts);
  });
}
