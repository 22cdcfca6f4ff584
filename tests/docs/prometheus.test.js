// The alert rules for Prometheus, by promtool (Debian's package `prometheus`): their form, and what fires when.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { read, rows } from "../pages.js";
import { promtool } from "./support/promtool.js";

const RULES = "docs/prometheus/alerts.yml";
const { skip } = promtool;

test("the rules name metrics that there are", () => {
  const known = rows("docs/guides/monitoring.md", "## Metrics for Prometheus").map(
    ([name]) => name,
  );
  const named = new Set(read(RULES).match(/\bvtryon_webhooks_\w+/g));
  assert.deepEqual(
    [...named].filter((name) => !known.includes(name)),
    [],
  );
});

test("the guide shows every rule", () => {
  const shown = rows("docs/guides/monitoring.md", "## Alert rules").map(([name]) => name);
  const named = [...read(RULES).matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(shown, named);
});

test("promtool accepts the rules", { skip }, async () => {
  await promisify(execFile)("promtool", ["check", "rules", "--lint-fatal", RULES], {
    cwd: promtool.root,
  });
});

test("the rules fire when they should, and only then", { skip }, async () => {
  const tests = "tests/docs/prometheus/alerts.test.yml";
  const { stdout } = await promisify(execFile)("promtool", ["test", "rules", tests], {
    cwd: promtool.root,
  });
  assert.match(stdout, /SUCCESS/);
});
