// The pages that people read, and the blocks of code in them that are marked as tested.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.join(import.meta.dirname, "..");

/** Reads a file of the project. */
export const read = (file) => readFileSync(path.join(ROOT, file), "utf8");

/** The READMEs and the documentation, as paths from the root; deploy/ is what `init` writes, and has tests of its own. */
export const PAGES = globSync(
  [
    "*.md",
    "{core,node-binding,python,edge-worker/npm}/README.md",
    "*/examples/*/README.md",
    "docs/**/*.md",
  ],
  { cwd: ROOT },
).sort();

export const README = read("README.md");

/** The block of code after a mark in a page. */
function blockIn(mark, text) {
  const start = text.indexOf(`<!-- tested: ${mark} -->`);
  return start < 0 ? undefined : /```\w+\n([\s\S]*?)```/.exec(text.slice(start))?.[1];
}

/** The block of code after a mark, which stands on one page, wherever that is; or that of the page whose text is given. */
export function block(mark, text) {
  const texts = text === undefined ? PAGES.map(read) : [text];
  const found = texts.map((page) => blockIn(mark, page)).filter((lines) => lines !== undefined);
  assert.equal(found.length, 1, `pages with a block ${mark}`);
  return found[0];
}

/** The variables that the README names: `tests/edge/readme.test.js` holds them to those that the Worker reads. */
export function variables() {
  const cells = [...README.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gm)];
  return cells.flatMap(([, cell]) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
}
