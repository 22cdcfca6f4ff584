// Checks that the map in ARCHITECTURE.md names every source of the Worker and of its engine, and none that is not there.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const CRATES = ["edge-worker/src", "edge-worker/engine/src"];

process.chdir(path.resolve(import.meta.dirname, ".."));

/** Returns the paths that a row names: each is beside or above the one before it. */
function read(row) {
  let before = "";
  return [...row.split(" | ")[0].matchAll(/`([^`]+)`/g)].map(([, name]) => {
    let folder = before;
    do folder = path.posix.dirname(folder);
    while (folder !== "." && !existsSync(path.posix.join(folder, name)));
    before = path.posix.join(folder, name);
    return before;
  });
}

/** Returns whether a source is named, is in a folder that is, or only declares modules that are. */
const isNamed = (file, named) =>
  named.includes(file) ||
  named.some((name) => name.endsWith("/") && file.startsWith(name)) ||
  named.some((name) => name.startsWith(file.replace(/\.rs$/, "/")));

const page = readFileSync("ARCHITECTURE.md", "utf8").split("\n");
const rows = page.filter((line) => CRATES.some((crate) => line.startsWith(`| \`${crate}/`)));
const named = rows.flatMap(read);
const sources = CRATES.flatMap((crate) =>
  readdirSync(crate, { recursive: true }).map((name) => path.posix.join(crate, name)),
).filter((name) => name.endsWith(".rs"));
const missing = sources.filter((file) => !file.endsWith("/tests.rs") && !isNamed(file, named));
const gone = named.filter((name) => !existsSync(name));
for (const file of missing) console.error(`ARCHITECTURE.md: the map does not name ${file}`);
for (const name of gone)
  console.error(`ARCHITECTURE.md: the map names ${name}, which is not there`);
if (missing.length + gone.length > 0) process.exit(1);
