// A test is skipped only where what it needs may be missing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithout, skipWithoutRuntime } from "../support/skip.js";

test("a test of a program that is missing is skipped, but where CI has to have it", (t) => {
  const before = process.env.VTRYON_SKIP_NOTHING;
  t.after(() => {
    if (before === undefined) delete process.env.VTRYON_SKIP_NOTHING;
    else process.env.VTRYON_SKIP_NOTHING = before;
  });
  delete process.env.VTRYON_SKIP_NOTHING;
  assert.equal(skipWithout("PostgreSQL", true), false);
  assert.equal(skipWithout("PostgreSQL", false), "PostgreSQL is not installed");
  process.env.VTRYON_SKIP_NOTHING = "1";
  assert.equal(skipWithout("PostgreSQL", true), false);
  assert.throws(() => skipWithout("PostgreSQL", false), /^Error: PostgreSQL is not installed/);
});

test("a test of a runtime that npm brings is skipped on other machines alone", () => {
  assert.equal(skipWithoutRuntime(process.execPath, "linux x64"), false);
  assert.throws(() => skipWithoutRuntime("/none/bun", "linux x64"), /\/none\/bun is missing/);
  for (const machine of ["linux arm64", "darwin arm64"]) {
    assert.match(skipWithoutRuntime("/none/bun", machine), /Linux on x64/);
  }
});
