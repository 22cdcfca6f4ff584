// Every block of code that somebody may copy says whether a test runs it.

import assert from "node:assert/strict";
import { globSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { PAGES, read } from "../pages.js";
import { blocks } from "./markdown.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const COPIED =
  "sh bash console js jsx mjs ts tsx python json jsonc toml yaml yml rust html sql http dockerfile".split(
    " ",
  );

/** The tests that run blocks, as one text. */
const TESTS = globSync(
  ["tests/**/*.js", "node-binding/test/**/*.js", "python/tests/**/*.py", "tests/native/*.rs"],
  { cwd: ROOT, exclude: (name) => name === "node_modules" },
)
  .map(read)
  .join("\n");

/** Rust's blocks without a mark of the crate's page are doctests: rustdoc runs them. */
const isDoctest = (page, { language }) => page === "core/README.md" && language === "rust";
/** `node-binding/test/package/pages.test.js` runs all marked blocks of JavaScript. */
const isRunWithAll = ({ language }) => language === "js";

/** Whether a test names a mark: whole, or as `"…"` behind the beginning that it shares with others. */
function isNamed(mark) {
  if (TESTS.includes(`"${mark}"`) || TESTS.includes(`<!-- tested: ${mark} -->`)) return true;
  const words = mark.split("-");
  return words.some((_, at) => {
    const [start, end] = [words.slice(0, at).join("-"), words.slice(at).join("-")];
    return at > 0 && TESTS.includes(`\`${start}-\${`) && TESTS.includes(`"${end}"`);
  });
}

for (const page of PAGES) {
  test(`the blocks of ${page} say whether they are run`, () => {
    const found = blocks(read(page)).filter(({ language }) => COPIED.includes(language));
    const silent = found.filter((block) => block.mark === undefined && !isDoctest(page, block));
    assert.deepEqual(
      silent.map(({ line }) => line),
      [],
      "lines of blocks without a mark",
    );
    const tested = blocks(read(page)).filter(({ mark }) => mark?.kind === "tested");
    const idle = tested.filter((block) => !isRunWithAll(block) && !isNamed(block.mark.text));
    assert.deepEqual(
      idle.map(({ mark }) => mark.text),
      [],
      "marks that no test names",
    );
  });
}

test("each mark of a tested block stands once in all pages", () => {
  const all = PAGES.flatMap((page) =>
    blocks(read(page)).filter(({ mark }) => mark?.kind === "tested"),
  );
  const marks = all.map(({ mark }) => mark.text);
  assert.ok(marks.length > 50, `${marks.length} marks`);
  assert.deepEqual(
    marks.filter((mark, at) => marks.indexOf(mark) !== at),
    [],
  );
});

test("a block without a mark is seen, and a mark counts for one block", () => {
  const fence = "```";
  const text = `<!-- tested: a -->\n${fence}sh\nls\n${fence}\n\n${fence}js\n1\n${fence}\n`;
  assert.deepEqual(
    blocks(text).map(({ language, mark }) => [language, mark?.text]),
    [
      ["sh", "a"],
      ["js", undefined],
    ],
  );
  assert.equal(isNamed("no-test-names-this".repeat(2)), false);
});

test("the README has 120 lines at most, and shows the commands that everything begins with", () => {
  const readme = read("README.md");
  assert.ok(readme.trimEnd().split("\n").length <= 120);
  for (const command of ["make dev", "make test"]) {
    assert.match(readme, new RegExp(`^${command}\\b`, "m"));
  }
});
