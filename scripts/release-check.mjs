// Does everything of a release that can be done without publishing:
//     node scripts/release-check.mjs [--tag v1.2.3] [versions|changelog|pages|contents|dry-runs|tree…]
//     node scripts/release-check.mjs --notes
//
// Prints one line for each check and for each fault, and fails at the end. With --tag, as when a release is made, the
// tag names the version, the entry in the changelog has a date, and no page says that nothing is published yet. --notes
// prints that entry.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { checkChangelog, notesOf } from "./release/changelog.mjs";
import { checkContents } from "./release/contents.mjs";
import { checkDryRuns } from "./release/dry-runs.mjs";
import { checkPages } from "./release/pages.mjs";
import { ROOT, run } from "./release/tools.mjs";
import { checkVersions, version } from "./release/versions.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tag: { type: "string" }, notes: { type: "boolean", default: false } },
});
if (values.notes) {
  console.log(notesOf(version()));
  process.exit();
}
const scratch = mkdtempSync(path.join(tmpdir(), "release-check-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const release = { version: version(), tag: values.tag || undefined, scratch };
const CHECKS = {
  versions: checkVersions,
  changelog: checkChangelog,
  pages: checkPages,
  contents: checkContents,
  "dry-runs": checkDryRuns,
  tree: checkTree,
};
const unknown = positionals.find((name) => !Object.hasOwn(CHECKS, name));
if (unknown !== undefined) {
  console.error(`error: no check ${unknown}; there are ${Object.keys(CHECKS).join(", ")}`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? positionals : Object.keys(CHECKS);

for (const name of chosen) {
  let faults;
  try {
    faults = CHECKS[name](release);
  } catch (error) {
    faults = [`could not be checked: ${error.message.split("\n")[0]}`];
  }
  if (faults.length === 0) console.log(`ok      ${name}`);
  for (const fault of faults) console.log(`failed  ${name}: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

/** The tree is what is committed. */
function checkTree() {
  const changed = run("git", ["status", "--porcelain"], ROOT).split("\n").filter(Boolean);
  return changed.map((line) => `${line.slice(3)} is not committed`);
}
