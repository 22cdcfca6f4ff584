// What the lock of a state ends where it can't write down any more what it has to end.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { take } from "../../edge-worker/npm/lib/local/lock.js";
import { emitted } from "../support/wait.js";

test("all children are ended, also where the lock can't be written", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-lock-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "lock");
  const lock = await take(file, false);
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await emitted(child, "spawn");
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
