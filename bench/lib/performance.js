// The tables of PERFORMANCE.md, each between its markers.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const PERFORMANCE = path.resolve(import.meta.dirname, "../../PERFORMANCE.md");

/** Puts a table between its markers. */
export function rewrite(name, table) {
  const text = readFileSync(PERFORMANCE, "utf8");
  const begin = `<!-- table: ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf("<!-- /table -->", from);
  if (from < 0 || to < 0) {
    console.error(`PERFORMANCE.md has no place for the table ${name}`);
    return;
  }
  writeFileSync(PERFORMANCE, `${text.slice(0, from)}${begin}\n${table}\n${text.slice(to)}`);
}
