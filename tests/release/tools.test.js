// What the release's scripts read of the tools that they run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { packedOf } from "../../scripts/release/tools.mjs";

const PACKED = { filename: "one-1.2.3.tgz", files: [{ path: "README.md" }] };
for (const { npm, printed } of [
  { npm: 11, printed: [PACKED] },
  { npm: 12, printed: { one: PACKED } },
]) {
  test(`what npm ${npm} says of a package that it packs is read`, () => {
    assert.deepEqual(packedOf(JSON.stringify(printed)), PACKED);
  });
}
