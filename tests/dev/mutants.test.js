// Which changes `make mutants BASE=…` takes mutants of, with a stand-in for cargo.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { git } from "../support/git.js";
import { makeMachine } from "./support/machine.js";

/** A tree in which a branch has changed mine.rs since `main`, and `main` has changed theirs.rs since. */
function makeBranch(t) {
  const machine = makeMachine(t, { cargo: 'echo "$*" >>"$FOLDER/called"' });
  const { tree } = machine;
  const commit = (file, text) => {
    writeFileSync(path.join(tree, file), text);
    git(tree, "add", file);
    git(tree, "commit", "--quiet", "--message", file);
  };
  git(tree, "init", "--quiet", "--initial-branch", "main");
  git(tree, "config", "user.name", "Test");
  git(tree, "config", "user.email", "test@example.com");
  commit("theirs.rs", "1\n");
  git(tree, "switch", "--quiet", "--create", "branch");
  commit("mine.rs", "1\n");
  git(tree, "switch", "--quiet", "main");
  commit("theirs.rs", "2\n");
  git(tree, "switch", "--quiet", "branch");
  return machine;
}

test("mutants are taken of what the branch has changed, not of what main has changed since", async (t) => {
  const { tree, run } = makeBranch(t);
  const { code, err } = await run("scripts/mutants", ["all"], { BASE: "main" });
  assert.equal(code, 0, err);
  const diff = readFileSync(path.join(tree, ".cache/mutants/changed.diff"), "utf8");
  assert.deepEqual(diff.match(/^diff --git .*$/gm), ["diff --git a/mine.rs b/mine.rs"]);
});

test("a new file that git does not know yet is named: it would have no mutants", async (t) => {
  const { tree, run } = makeBranch(t);
  mkdirSync(path.join(tree, "core"));
  writeFileSync(path.join(tree, "core/new.rs"), "1\n");
  const { code, err } = await run("scripts/mutants", ["all"], { BASE: "main" });
  assert.equal(code, 1);
  assert.equal(err, "error: git does not know core/new.rs yet: git add it first\n");
});
