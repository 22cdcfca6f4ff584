// The lock of a state: what it ends, who gets it, and what is no lock.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { take } from "../../edge-worker/npm/lib/local/lock.js";
import { processes } from "../../edge-worker/npm/lib/local/processes.js";
import { emitted } from "../support/wait.js";

/** The path of a lock in a folder of its own. */
function lockFile(t) {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-lock-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return path.join(folder, "lock");
}

/** A process that runs until it is ended. */
async function sleeping(t) {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await emitted(child, "spawn");
  return child;
}

/** A supervisor that has died. */
const DEAD = { pid: 4_194_304, start: "1" };

test("all children are ended, also where the lock can't be written", async (t) => {
  const file = lockFile(t);
  const lock = await take(file, false);
  const child = await sleeping(t);
  const ended = emitted(child, "exit");
  // As a full disk would.
  mkdirSync(`${file}.new`);
  t.mock.method(console, "error", () => {});
  await lock.endChildren();
  await ended;
  assert.equal(child.signalCode, "SIGTERM");
  assert.match(console.error.mock.calls[0].arguments[0], /lock is not up to date: EISDIR/);
  assert.ok(!existsSync(file), "and the lock is released");
});

test("of two that find the same stale lock, one gets it", async (t) => {
  const file = lockFile(t);
  const child = await sleeping(t);
  const { pid, start } = processes().get(child.pid);
  writeFileSync(file, JSON.stringify({ supervisor: DEAD, children: [{ pid, start }] }));
  t.mock.method(console, "error", () => {});
  // Both wait for the end of the child.
  const taken = await Promise.allSettled([take(file, false), take(file, false)]);
  const [won, lost] = taken.sort((a) => (a.status === "fulfilled" ? -1 : 1));
  assert.equal(won.status, "fulfilled");
  assert.match(lost.reason?.message, new RegExp(`^already running as process ${process.pid} `));
  assert.equal(JSON.parse(readFileSync(file, "utf8")).supervisor.pid, process.pid);
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ["lock"], "nothing is left beside it");
});

for (const text of [
  "",
  "{",
  "null",
  "7",
  "{}",
  JSON.stringify({ supervisor: DEAD }),
  JSON.stringify({ supervisor: DEAD, children: [7] }),
  JSON.stringify({ supervisor: DEAD, children: [], owner: {} }),
]) {
  test(`what is no lock is said to be damaged, and stays: ${text}`, async (t) => {
    const file = lockFile(t);
    writeFileSync(file, text);
    await assert.rejects(take(file, false), { message: /lock is damaged: end the processes/ });
    assert.equal(readFileSync(file, "utf8"), text);
  });
}

test("a lock that can't be written to its end is none", async (t) => {
  const file = lockFile(t);
  const { writeFileSync } = fs;
  t.mock.method(fs, "writeFileSync", (path, text, options) => {
    writeFileSync(path, text.slice(0, 5), options);
    throw new Error("ENOSPC: no space left on device, write");
  });
  t.after(syncBuiltinESMExports);
  syncBuiltinESMExports();
  await assert.rejects(take(file, false), /ENOSPC/);
  assert.deepEqual(fs.readdirSync(path.dirname(file)), []);
});
