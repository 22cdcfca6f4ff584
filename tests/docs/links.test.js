// Every link of every page leads somewhere. Of links to other hosts only the form is checked.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { PAGES, read } from "../pages.js";
import { anchors, links } from "./support/markdown.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
/** The pages of registries have no files beside them, so they link to those of the repository by its URL. */
const REPOSITORY = "https://github.com/vtryon/vtryon-webhooks/";
const INDEX = "docs/README.md";
const LLMS = "llms.txt";
const DOCS = PAGES.filter((page) => page.startsWith("docs/"));

/** Returns what a URL of the repository's site has after the repository; an empty text for any other link. */
const inRepository = (link) => (link.startsWith(REPOSITORY) ? link.slice(REPOSITORY.length) : "");

/** Returns what is wrong with a link of a page. */
function fault(page, link) {
  const [, view, branch, own] = /^(blob|tree)\/([^/#]+)\/(.*)$/.exec(inRepository(link)) ?? [];
  if (/^https?:/.test(link) && view === undefined) {
    const url = URL.parse(link);
    if (!url?.hostname.includes(".")) return "is no URL";
    return url.protocol === "https:" ? undefined : "is not https";
  }
  if (view !== undefined && branch !== "main") return "is not of main";
  const [file, anchor] = decodeURI(own ?? link).split("#");
  const folder = view === undefined ? path.dirname(page) : ".";
  const found = file === "" ? page : path.join(folder, file);
  if (path.isAbsolute(file) || found.startsWith("..")) return "leaves the repository";
  if (!existsSync(path.join(ROOT, found))) return "leads to no file";
  const isFolder = statSync(path.join(ROOT, found)).isDirectory();
  if (view !== undefined && isFolder !== (view === "tree"))
    return "is blob/ of a folder, or tree/ of a file";
  if (anchor === undefined) return undefined;
  if (!found.endsWith(".md")) return "has an anchor, but leads to no page";
  return anchors(read(found)).includes(anchor) ? undefined : "leads to no heading";
}

/** The pages that the links of a page lead to. */
function targets(page) {
  const relative = links(read(page)).filter((link) => !/^[a-z]+:|^#/.test(link));
  return relative.map((link) => path.join(path.dirname(page), link.split("#")[0]));
}

for (const page of [...PAGES, "deploy/README.md", LLMS]) {
  test(`the links of ${page} lead somewhere`, () => {
    const faults = links(read(page)).flatMap((link) => {
      const what = fault(page, link);
      return what === undefined ? [] : [`${link} ${what}`];
    });
    assert.deepEqual(faults, []);
  });
}

test("a link to nothing is seen", () => {
  const wrong = [
    ["README.md", "docs/nowhere.md"],
    ["README.md", "CONTRIBUTING.md#nowhere"],
    ["README.md", "#nowhere"],
    ["docs/README.md", "../../README.md"],
    ["README.md", "/README.md"],
    ["README.md", "http://example.com"],
    ["README.md", "https://nowhere"],
    ["README.md", `${REPOSITORY}blob/main/docs/nowhere.md`],
    ["README.md", `${REPOSITORY}blob/main/CONTRIBUTING.md#nowhere`],
    ["README.md", `${REPOSITORY}blob/main/docs`],
    ["README.md", `${REPOSITORY}tree/main/README.md`],
    ["README.md", `${REPOSITORY}tree/main/nowhere`],
    ["README.md", `${REPOSITORY}blob/v0/README.md`],
    ["README.md", "docs#nowhere"],
    ["README.md", "LICENSE-MIT#nowhere"],
  ];
  for (const [page, link] of wrong) assert.notEqual(fault(page, link), undefined, link);
  const right = [
    ["README.md", "CONTRIBUTING.md#daily-commands"],
    ["docs/README.md", "../CONTRIBUTING.md"],
    ["README.md", "docs"],
    ["core/README.md", `${REPOSITORY}blob/main/CONTRIBUTING.md#daily-commands`],
    ["core/README.md", `${REPOSITORY}tree/main/docs`],
    ["core/README.md", `${REPOSITORY}issues`],
    ["core/README.md", "https://www.standardwebhooks.com"],
  ];
  for (const [page, link] of right) assert.equal(fault(page, link), undefined, link);
});

test("every page of docs/ is reachable from its index", () => {
  const reached = new Set([INDEX]);
  // A page that is added while the set is walked is walked too.
  for (const page of reached) {
    for (const target of targets(page)) if (DOCS.includes(target)) reached.add(target);
  }
  assert.deepEqual(
    DOCS.filter((page) => !reached.has(page)),
    [],
  );
});

test("llms.txt has the form of llmstxt.org, and every page of docs/", () => {
  const text = readFileSync(path.join(ROOT, LLMS), "utf8");
  const [title, blank, summary] = text.split("\n");
  assert.match(title, /^# \S/);
  assert.equal(blank, "");
  assert.match(summary, /^> \S/);
  const entries = text.split("\n").filter((line) => line.startsWith("- "));
  for (const entry of entries) assert.match(entry, /^- \[[^\]]+\]\([^)]+\): \S.*$/);
  const named = targets(LLMS);
  assert.equal(named.length, new Set(named).size, "no page is named twice");
  const pages = DOCS.filter((page) => !page.startsWith("docs/adr/") || page.endsWith("README.md"));
  assert.deepEqual(
    pages.filter((page) => !named.includes(page)),
    [],
  );
});
