// A disk that gets full in the middle of a text: what is written in part only is an error, not a success.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { source } from "../support/load-source.js";

const { StateFile } = await source("state/state-file");
const PROCESS = fileURLToPath(new URL("../support/full-disk.js", import.meta.url));

/** The length that files may have. The parts of the command that the process loads are shorter. */
const LIMIT_KIB = 256;
const LONG = 300 * 1024;

/** A state that is compacted when it is opened, and is longer than the limit. */
function longState(path) {
  const state = new StateFile(path, new URL("https://gateway.example"), undefined);
  state.advance(0, "x".repeat(LONG), 1);
  state.close();
}

for (const [kind, message, prepare] of [
  ["export", /events can't be written \(EFBIG\)$/, (path) => writeFileSync(path, "")],
  ["journal", /^the state can't be kept in \S+ \(EFBIG\)$/, () => {}],
  ["compaction", /^the state can't be kept in \S+ \(EFBIG\)$/, longState],
]) {
  test(`${kind}: a text that is written in part is an error`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), "vtryon-full-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "events");
    prepare(path);
    const run = (limit, length) => {
      const command = `ulimit -f ${limit}; exec "$0" "$@"`;
      const args = [process.execPath, PROCESS, kind, path, `${length}`];
      return execFileSync("bash", ["-c", command, ...args], { encoding: "utf8" }).trim();
    };
    assert.match(run(LIMIT_KIB, LONG), message);
    assert.equal(run("unlimited", 10), "written", "once there is room, it is written");
    assert.ok(statSync(path).isFile());
  });
}
