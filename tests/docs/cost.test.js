// The page about cost has the figures that were measured, as PERFORMANCE.md has them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { total } from "../../bench/cost/price.js";
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
  const perEvent = (...names) =>
    operations
      .filter(({ operation }) => names.includes(operation))
      .reduce((sum, { perEvent }) => sum + perEvent, 0);
  const took = [
    perEvent("writes to KV"),
    perEvent("rows written", "alarms set"),
    perEvent("requests to objects", "alarms run"),
    perEvent("requests to the Worker"),
  ];
  for (const [at, row] of rows("docs/explain/cost.md", "## The Free plan").entries()) {
    const [limit, , events] = row;
    const allowed = Number(/^[\d,]+/.exec(limit)[0].replaceAll(",", ""));
    const inThousands = Math.floor(allowed / took[at] / 1000 + 1e-9) * 1000;
    assert.equal(events, inThousands.toLocaleString("en"), limit);
  }
});
