// Paths of tasks, through what Cloudflare's assets and the router make of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { taskOf, taskPath } from "../../edge-worker/dashboard/src/paths.js";

/** Cloudflare decodes a path, splits it, and encodes each part: an escaped slash becomes a slash. */
const normalised = (path) => decodeURIComponent(path).split("/").map(encodeURIComponent).join("/");

/** What the router finds after `/tasks/`. */
const found = (path) => path.split("/").slice(2).map(decodeURIComponent).join("/");

const CASES = [
  { id: "task_123", path: "/tasks/task_123" },
  { id: "a/b", path: "/tasks/a%252Fb" },
  { id: "/a//b/", path: "/tasks/%252Fa%252F%252Fb%252F" },
  { id: "50%", path: "/tasks/50%2525" },
  { id: "%2F", path: "/tasks/%25252F" },
  { id: "a b?c#d", path: "/tasks/a%20b%3Fc%23d" },
  { id: "试衣🧥", path: "/tasks/%E8%AF%95%E8%A1%A3%F0%9F%A7%A5" },
  { id: "<script>", path: "/tasks/%3Cscript%3E" },
];

for (const { id, path } of CASES) {
  test(`a page's path leads back to its task: ${id}`, () => {
    assert.equal(taskPath(id), path);
    assert.equal(normalised(path), path, "it is not redirected");
    assert.equal(taskOf(found(path)), id);
  });
}

test("paths that were written by hand are understood", () => {
  for (const [path, id] of [
    ["/tasks/a/b", "a/b"],
    ["/tasks/50%25", "50%"],
  ]) {
    assert.equal(taskOf(found(path)), id);
  }
});
