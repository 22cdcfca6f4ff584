// What a listing loads of the API: so many pages, empty ones skipped.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { firstPages } from "../../edge-worker/dashboard/src/api/load.js";

/** The pages of a listing by their cursors, each with its items and the cursor of the next one. */
const LISTING = { "": [[1, 2], "a"], a: [[], "b"], b: [[3], "c"], c: [[4], null] };

const asked = [];
mock.method(globalThis, "fetch", async (path) => {
  const cursor = new URL(path, "http://gateway").searchParams.get("cursor") ?? "";
  asked.push(cursor);
  const [numbers, next] = LISTING[cursor];
  return new Response(JSON.stringify({ numbers, cursor: next }));
});

for (const { most, items, cursors } of [
  { most: 1, items: [[1, 2]], cursors: [""] },
  { most: 2, items: [[1, 2], [3]], cursors: ["", "a", "b"] },
  { most: 9, items: [[1, 2], [3], [4]], cursors: ["", "a", "b", "c"] },
]) {
  test(`${most} pages of a listing are loaded, or all that it has`, async () => {
    asked.length = 0;
    const pages = await firstPages("/api/numbers", "numbers", {}, most);
    assert.deepEqual(
      pages.map((page) => page.items),
      items,
    );
    assert.deepEqual(asked, cursors);
  });
}
