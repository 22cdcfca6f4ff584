// Writes the pages and the parts of files that are generated from a source; with --check, fails where one is not equal
// to what would be written.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { api } from "./docs/api.mjs";
import { cli } from "./docs/cli.mjs";
import { configuration } from "./docs/configuration.mjs";
import { deliveries } from "./docs/deliveries.mjs";
import { errors } from "./docs/errors.mjs";

const ROOT = path.join(import.meta.dirname, "..");

/**
 * What is generated: the path of a file, and a function that makes its text, given the present one for files that are
 * generated in part.
 * @type {Record<string, (present: string) => string>}
 */
const FILES = { ...api(), ...(await cli()), ...configuration(), ...deliveries(), ...errors() };

const isCheck = process.argv.includes("--check");
const differing = [];
for (const [name, write] of Object.entries(FILES)) {
  const file = path.join(ROOT, name);
  const present = readText(file);
  const text = write(present);
  if (text === present) continue;
  differing.push(name);
  if (!isCheck) writeFileSync(file, text);
}
for (const name of differing)
  console.log(`${isCheck ? "differs from its source" : "written"}: ${name}`);
if (isCheck && differing.length > 0) {
  console.error("error: generated files are out of date\nRun: make docs");
  process.exitCode = 1;
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return "";
    throw error;
  }
}
