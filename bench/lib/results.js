// The stored results of the benchmarks, bench/results/NAME.json.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export const RESULTS = path.resolve(import.meta.dirname, "../results");

const fileOf = (name) => path.join(RESULTS, `${name}.json`);

export const readResult = (name) => JSON.parse(readFileSync(fileOf(name), "utf8"));

/** Writes a result by its name. */
export const writeResult = (result) => writeFileSync(fileOf(result.name), compact(result));

/** Indented, but each list of numbers on a line of its own; counts as they are, all else with five digits. */
function compact(value) {
  const rounded = JSON.stringify(
    value,
    (_, each) =>
      typeof each === "number" && !Number.isInteger(each) ? Number(each.toPrecision(5)) : each,
    2,
  );
  return `${rounded.replace(/\[\s+([-\d.,\se+]+?)\s+\]/g, (_, list) => `[${list.replace(/\s+/g, " ")}]`)}\n`;
}
