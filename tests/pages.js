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

/** The rows of the tables below a heading of a page, as texts without the marks of code and links. */
export function rows(page, heading) {
  const text = read(page);
  const start = text.indexOf(`\n${heading}\n`);
  assert.ok(start >= 0, `${page} has ${heading}`);
  const [section] = text.slice(start + heading.length + 2).split(/^#/m);
  const lines = section.split("\n").filter((line) => line.startsWith("| "));
  const cells = lines.map((line) => line.slice(2, -2).split(" | "));
  return cells.slice(1).map((row) => row.map((cell) => cell.replace(/^\[?`(.*?)`.*$/, "$1")));
}

const CONFIGURATION = "docs/reference/configuration.md";

/** The names of all secrets and variables, from the page that is generated from the gateway's own table. */
export function variables() {
  const all = ["## Secrets", "## Variables"].flatMap((heading) => rows(CONFIGURATION, heading));
  return all.map(([name]) => name);
}

/** The names of the secrets that a deployment needs. */
export function requiredSecrets() {
  const needed = rows(CONFIGURATION, "## Secrets").filter(([, required]) => required !== "no");
  return needed.map(([name]) => name);
}

/** The codes that something gives (`gateway`, `npm`, `Python` or `Rust`), with their statuses. */
export function codesFrom(origin) {
  const all = rows("docs/reference/errors.md", "# Errors");
  const own = all.filter(([, , from]) => from.split(", ").includes(origin));
  return own.map(([code, status]) => ({ code, status: Number(status) }));
}
