// scripts/check-locks.mjs on a copy of the files that it reads: what a dependency could do unseen is a fault.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { git, gitEnvironment } from "../support/git.js";

const ROOT = path.join(import.meta.dirname, "../..");
const LOCK = "package-lock.json";

let copy;
let other;
before(() => {
  // As in a hook of a worktree, where git names the repository.
  other = mkdtempSync(path.join(tmpdir(), "locks-other-"));
  git(other, "init", "--quiet");
  process.env.GIT_DIR = path.join(other, ".git");
  copy = mkdtempSync(path.join(tmpdir(), "locks-test-"));
  for (const file of [
    LOCK,
    "package.json",
    "Cargo.toml",
    "scripts/wasm-bindgen/Cargo.toml",
    "edge-worker/npm/package.json",
  ]) {
    cpSync(path.join(ROOT, file), path.join(copy, file));
  }
  git(copy, "init", "--quiet");
  git(copy, "add", "--all");
});
after(() => {
  for (const folder of [copy, other]) rmSync(folder, { recursive: true, force: true });
});

/** Changes the lock file, checks, and puts it back. */
function check(change) {
  const file = path.join(copy, LOCK);
  const before = readFileSync(file, "utf8");
  const lock = JSON.parse(before);
  change(lock.packages);
  writeFileSync(file, JSON.stringify(lock));
  const script = path.join(ROOT, "scripts/check-locks.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script], {
    cwd: copy,
    env: gitEnvironment(),
    encoding: "utf8",
  });
  writeFileSync(file, before);
  return { status, stderr };
}

test("the lock files have no fault", () => {
  assert.deepEqual(
    check(() => {}),
    { status: 0, stderr: "" },
  );
});

test("an install script that nobody has approved is a fault", () => {
  const { status, stderr } = check((packages) => {
    packages["node_modules/ajv"].hasInstallScript = true;
  });
  assert.equal(stderr, "error: ajv has an install script: see allowScripts in package.json\n");
  assert.equal(status, 1);
});

test("an approved install script that is gone is a fault", () => {
  const { status, stderr } = check((packages) => {
    delete packages["node_modules/esbuild"].hasInstallScript;
  });
  assert.match(stderr, /^error: esbuild has no install script any more/);
  assert.equal(status, 1);
});

test("a package without a hash is a fault", () => {
  const { status, stderr } = check((packages) => {
    delete packages["node_modules/ajv"].integrity;
  });
  assert.equal(stderr, `error: ${LOCK}: node_modules/ajv has no integrity hash\n`);
  assert.equal(status, 1);
});

test("the repository that a hook names is left alone", () => {
  assert.equal(git(other, "ls-files"), "");
  assert.ok(git(copy, "ls-files").includes(LOCK));
});
