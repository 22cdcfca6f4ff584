// The page about cost has the figures that were measured, as PERFORMANCE.md has them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { freePlan, freePlanTable, invocationTable, total } from "../../bench/cost/price.js";
import { read, rows } from "../pages.js";

const { cases } = JSON.parse(read("bench/results/cost.json"));

test("a million events cost what was measured", () => {
  const shown = rows("docs/explain/cost.md", "## A million events").map(([, price]) => price);
  assert.deepEqual(
    shown,
    cases.map(({ operations }) => `$${total(operations).toFixed(2)}`),
  );
});

test("the page has what the Free plan's limits leave room for, as `make cost` prints it", () => {
  const [{ operations }] = cases;
  const page = read("docs/explain/cost.md");
  for (const table of [freePlanTable(operations), invocationTable()]) {
    assert.ok(page.includes(table), table);
  }
});

test("what the Free plan carries follows from what an event takes, the narrowest limit first", () => {
  const taken = { "rows written": 3, "alarms set": 1, "requests to objects": 2, "rows read": 1000 };
  const operations = Object.entries(taken).map(([operation, perEvent]) => ({
    operation,
    perEvent,
  }));
  assert.deepEqual(
    freePlan(operations).map(({ limit, events }) => [limit.replace(/[:,] .*/, ""), events]),
    [
      ["5,000,000 rows read", 5_000],
      ["100,000 rows written", 25_000],
      ["100,000 requests to objects", 50_000],
      ["5 GB stored in all", 246_000],
      // 13,000 GB-s are 101,562 seconds of 128 MB, and each request takes 15 ms of them.
      ["13,000 GB-s", 3_385_000],
      ["100,000 requests to the Worker", Infinity],
      ["1,000 writes to KV", Infinity],
    ],
  );
});
