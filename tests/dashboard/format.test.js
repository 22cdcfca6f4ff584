// Durations, ages and sizes where one unit gives way to the next: rounded, nothing is "60 s" or "1000 ms".

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, duration, relative } from "../../edge-worker/dashboard/src/format.js";

const DURATIONS = [
  { ms: 0, text: "0 ms" },
  { ms: 999.4, text: "999 ms" },
  { ms: 999.7, text: "1.0 s" },
  { ms: 1000, text: "1.0 s" },
  { ms: 9949, text: "9.9 s" },
  { ms: 9960, text: "10 s" },
  { ms: 59_400, text: "59 s" },
  { ms: 59_700, text: "1 min 0 s" },
  { ms: 61_000, text: "1 min 1 s" },
  { ms: 119_700, text: "2 min 0 s" },
  { ms: 3_599_400, text: "59 min 59 s" },
  { ms: 3_599_900, text: "1.0 h" },
  { ms: 47.9 * 3_600_000, text: "47.9 h" },
  { ms: 47.96 * 3_600_000, text: "2 days" },
];

for (const { ms, text } of DURATIONS) {
  test(`${ms} ms are shown as ${text}`, () => assert.equal(duration(ms), text));
}

const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** [seconds from now, amount, unit] */
const AGES = [
  [-59.4, -59, "second"],
  [-59.7, -1, "minute"],
  [3569, 59, "minute"],
  [3599, 1, "hour"],
  [-86_399, -1, "day"],
  [10 * 86_400, 10, "day"],
];

for (const [seconds, amount, unit] of AGES) {
  test(`${seconds} s from now are ${amount} ${unit}`, () => {
    assert.equal(relative(new Date(seconds * 1000), 0), words.format(amount, unit));
  });
}

test("a size is rounded before its unit is chosen", () => {
  assert.deepEqual([1023, 1536, 1024 * 1024 - 1, 1024 * 1024].map(bytes), [
    `${new Intl.NumberFormat().format(1023)} B`,
    `${new Intl.NumberFormat().format(1.5)} KiB`,
    "1.0 MiB",
    "1.0 MiB",
  ]);
});
