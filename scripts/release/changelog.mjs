// CHANGELOG.md: an entry for each version, in the form of Keep a Changelog.

import { read } from "./tools.mjs";

/** Returns the entry of a version: what its heading says after the version, and its text. */
function entryOf(version) {
  const [, ...entries] = read("CHANGELOG.md").split(/^## /m);
  const found = entries.find((entry) => entry.startsWith(`[${version}]`));
  if (found === undefined) return undefined;
  const [heading, ...lines] = found.split("\n");
  const text = lines
    .filter((line) => !/^\[[^\]]+\]: /.test(line))
    .join("\n")
    .trim();
  return { date: heading.slice(version.length + 2).replace(/^ - /, ""), text };
}

/** Returns the entry's text as the notes of the release, on whose page a link within the repository needs an address. */
export const notesOf = (version) =>
  entryOf(version).text.replaceAll(
    /\]\((?!https?:)/g,
    `](https://github.com/vtryon/vtryon-webhooks/blob/v${version}/`,
  );

export function checkChangelog({ version, tag }) {
  const entry = entryOf(version);
  if (entry === undefined) return [`CHANGELOG.md has no entry "## [${version}] - DATE"`];
  const faults = [];
  if (!/^### /m.test(entry.text) || !/^- /m.test(entry.text)) {
    faults.push(`CHANGELOG.md says nothing about ${version}`);
  }
  const isDated = /^\d{4}-\d{2}-\d{2}$/.test(entry.date);
  if (!isDated && (tag !== undefined || entry.date !== "unreleased")) {
    faults.push(`CHANGELOG.md has no date for ${version}, but "${entry.date}"`);
  }
  return faults;
}
