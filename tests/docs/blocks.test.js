// Every block of code that somebody may copy says whether a test runs it.

import assert from "node:assert/strict";
import { globSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { PAGES, read } from "../pages.js";
import { blocks } from "./support/markdown.js";
import { marksRun } from "./support/runs.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const COPIED =
  "sh bash console js jsx mjs ts tsx python json jsonc toml yaml yml rust html sql http dockerfile".split(
    " ",
  );

/** The marks of all blocks that a test runs. */
const RUN = new Set(
  globSync(
    ["tests/**/*.js", "node-binding/test/**/*.js", "python/tests/**/*.py", "tests/native/*.rs"],
    { cwd: ROOT, exclude: (name) => name === "node_modules" },
  ).flatMap((file) => marksRun(path.extname(file).slice(1), read(file))),
);

/** Rust's blocks without a mark of the crate's page are doctests: rustdoc runs them. */
const isDoctest = (page, { language }) => page === "core/README.md" && language === "rust";
/** `node-binding/test/package/pages.test.js` runs all marked blocks of JavaScript. */
const isRunWithAll = ({ language }) => language === "js";

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
    const idle = tested.filter((block) => !isRunWithAll(block) && !RUN.has(block.mark.text));
    assert.deepEqual(
      idle.map(({ mark }) => mark.text),
      [],
      "marks of blocks that no test runs",
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

test("a secret that is generated for Cloudflare is printed too: it is not shown again there", () => {
  const commands = PAGES.flatMap((page) => read(page).split("\n")).filter((line) =>
    /openssl rand .*\| npx wrangler secret put/.test(line),
  );
  assert.notEqual(commands.length, 0);
  assert.deepEqual(
    commands.filter((line) => !line.includes("| tee /dev/stderr |")),
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
});

const ASKS = 'import { block, read } from "../pages.js";\n';
for (const { name, language, text, marks } of [
  { name: "a call", language: "js", text: `${ASKS}await run("a-b", { X });`, marks: ["a-b"] },
  { name: "a row", language: "js", text: `${ASKS}[{\n    mark: "a",\n check }]`, marks: ["a"] },
  {
    name: "a call that leaves out the beginning",
    language: "js",
    text: `${ASKS}const lines = (mark) => block(\`a-\${mark}\`);\nlines("b");`,
    marks: ["a-b"],
  },
  { name: "a comment", language: "js", text: `${ASKS}// block("a")\n/* run("b") */`, marks: [] },
  { name: "another text", language: "js", text: `${ASKS}test("a", () => ["b", "c"]);`, marks: [] },
  { name: "a file without blocks", language: "js", text: 'run("a");', marks: [] },
  {
    name: "calls, rows and lists in Python",
    language: "py",
    text: 'def block(mark):\n  run("a")\n  ("b", asgi),\n  for mark in ("c", "d"):\n',
    marks: ["a", "b", "c", "d"],
  },
  { name: "Python's comments", language: "py", text: 'def block(mark):\n  # run("a")', marks: [] },
]) {
  test(`what a test runs is known by the form of its calls: ${name}`, () => {
    assert.deepEqual(marksRun(language, text), marks);
  });
}

test("the README has 120 lines at most, and shows the commands that everything begins with", () => {
  const readme = read("README.md");
  assert.ok(readme.trimEnd().split("\n").length <= 120);
  for (const command of ["make dev", "make test"]) {
    assert.match(readme, new RegExp(`^${command}\\b`, "m"));
  }
});
