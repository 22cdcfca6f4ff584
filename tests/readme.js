// The blocks of a README that are marked as tested.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** Reads a file of the project. */
export const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

export const README = read("README.md");

/** The block of code after a mark. */
export function block(mark, readme = README) {
  const start = readme.indexOf(`<!-- tested: ${mark} -->`);
  const found = start < 0 ? null : /```\w+\n([\s\S]*?)```/.exec(readme.slice(start));
  assert.ok(found, `the README has no block ${mark}`);
  return found[1];
}

/** The variables that the README names: `tests/edge/readme.test.js` holds them to those that the Worker reads. */
export function variables() {
  const cells = [...README.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gm)];
  return cells.flatMap(([, cell]) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
}
