// SECURITY.md: each threat has a guard, and the tests that its row names are there. What a guide says of logs is so.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readConfig } from "../../edge-worker/npm/lib/folder/config.js";
import { read } from "../pages.js";

const ROOT = path.join(import.meta.dirname, "../..");
const PAGE = "SECURITY.md";

/** The rows of the table of threats, each as the texts of its cells. */
function threats() {
  const [section] = read(PAGE).split("\n## Threats\n")[1].split("\n## ");
  const lines = section.split("\n").filter((line) => line.startsWith("| "));
  return lines.slice(1).map((line) => line.slice(2, -2).split(" | "));
}

/** What a cell names: tests, as links to their files, and targets of `make`. */
function proofs(cell) {
  const tests = [...cell.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)];
  const targets = [...cell.matchAll(/`make ([a-z-]+)`/g)];
  return [
    ...tests.map(([, title, file]) => ({ title, file })),
    ...targets.map(([, target]) => ({ title: target, file: "Makefile" })),
  ];
}

/** How a title is written in a file of this kind. */
const WRITTEN = {
  ".js": (title, text) =>
    text
      .split(/\btest\(/)
      .slice(1)
      .some((call) => call.slice(0, 300).split(/["`],/)[0].includes(title)),
  ".rs": (title, text) => text.includes(`fn ${title.replaceAll(" ", "_")}() {`),
  ".json": (title, text) => text.includes(`"name":${JSON.stringify(title)}`),
  "": (title, text) => text.includes(`\n${title}:`),
};

const isThere = ({ title, file }) =>
  existsSync(path.join(ROOT, file)) && WRITTEN[path.extname(file)]?.(title, read(file));

test("each threat has a guard, and a test that is there", () => {
  const rows = threats();
  assert.ok(rows.length >= 20, `${rows.length} threats`);
  for (const [threat, guard, cell] of rows) {
    assert.notEqual(guard.trim(), "", threat);
    const named = proofs(cell);
    assert.notEqual(named.length, 0, `${threat}: no test is named`);
    const missing = named.filter((proof) => !isThere(proof));
    assert.deepEqual(missing, [], threat);
  }
});

test("a test that is not there is seen", () => {
  const wrong = [
    { title: "no such test", file: "tests/edge/ingest/unsigned.test.js" },
    { title: "a rejected request wakes no shard", file: "tests/edge/nowhere.test.js" },
    { title: "node:assert/strict", file: "tests/edge/ingest/unsigned.test.js" },
    { title: "no such test", file: "tests/native/properties.rs" },
    { title: "no such name", file: "tests/vectors/event.json" },
    { title: "no-such-target", file: "Makefile" },
  ];
  for (const proof of wrong) assert.ok(!isThere(proof), JSON.stringify(proof));
});

test("Cloudflare does not log the headers of requests, by the setting that the guide names", async () => {
  const named = /`"invocation_logs": false` under `([\w.]+)`/.exec(
    read("docs/guides/monitoring.md"),
  );
  for (const file of ["wrangler.toml", "deploy/wrangler.jsonc"]) {
    const config = await readConfig(path.join(ROOT, file));
    const settings = named[1].split(".").reduce((outer, key) => outer[key], config);
    assert.equal(settings.invocation_logs, false, file);
  }
});
