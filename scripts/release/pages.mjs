// The pages of a version that is released do not say that nothing is published yet.

import { ROOT, read, run } from "./tools.mjs";

const UNPUBLISHED = /\b(?:from|until) the first release\b|nothing is published yet/i;
/** These speak of the first release itself. */
const OTHERS = ["CONTRIBUTING.md", "CHANGELOG.md"];

export function checkPages({ tag }) {
  if (tag === undefined) return [];
  const pages = run("git", ["ls-files", "*.md"], ROOT).split("\n").filter(Boolean);
  return pages.flatMap((page) => {
    if (OTHERS.includes(page)) return [];
    const found = read(page)
      .split("\n")
      .findIndex((line) => UNPUBLISHED.test(line));
    return found < 0 ? [] : [`${page}:${found + 1} says that nothing is published yet`];
  });
}
