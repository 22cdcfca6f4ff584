// The page about cost has the figures that were measured, as PERFORMANCE.md has them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { freePlanTable, total } from "../../bench/cost/price.js";
import { read, rows } from "../pages.js";

const { cases } = JSON.parse(read("bench/results/cost.json"));

test("a million events cost what was measured", () => {
  const shown = rows("docs/explain/cost.md", "## A million events").map(([, price]) => price);
  assert.deepEqual(
    shown,
    cases.map(({ operations }) => `$${total(operations).toFixed(2)}`),
  );
});

test("the Free plan carries what the measured operations leave room for", () => {
  const [{ operations }] = cases;
  assert.ok(read("docs/explain/cost.md").includes(freePlanTable(operations)));
});
