// Writes the folder that is the user's own, from the template in the package.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseManifest, TEMPLATE } from "../package.js";

/**
 * What happened to a file: `written`, `unchanged`, `completed` with what it lacked, `replaced`, or `kept` as the user
 * has changed it.
 * @typedef {"written" | "unchanged" | "completed" | "replaced" | "kept"} Outcome
 */

/**
 * Files that may be the user's already: what they lack is added, and nothing is changed.
 * @type {Record<string, (present: string, template: string, path: string) => string>}
 */
const COMPLETED = { "package.json": completeManifest, ".gitignore": completeLines };

/**
 * Writes every file of the template into `folder`.
 * @param {string} folder
 * @param {(file: string) => Promise<boolean>} mayReplace asks whether a file that differs is replaced
 * @returns {AsyncGenerator<[file: string, outcome: Outcome]>}
 */
export async function* writeTemplate(folder, mayReplace) {
  // All are read before any is written: one that can't be completed leaves the folder as it is.
  const files = templateFiles().map(([file, template]) => compare(folder, file, template));
  mkdirSync(folder, { recursive: true });
  for (const { file, path, present, wanted } of files) {
    /** @type {Outcome} */
    let outcome = "kept";
    if (present === undefined) outcome = "written";
    else if (wanted === present) outcome = "unchanged";
    else if (file in COMPLETED) outcome = "completed";
    else if (await mayReplace(file)) outcome = "replaced";
    if (outcome !== "unchanged" && outcome !== "kept") writeFileSync(path, wanted);
    yield [file, outcome];
  }
}

/**
 * Returns what a file is, undefined where there is none, and what it should be.
 * @param {string} folder
 * @param {string} file
 * @param {string} template
 */
function compare(folder, file, template) {
  const path = join(folder, file);
  if (!existsSync(path)) return { file, path, present: undefined, wanted: template };
  // Git on Windows may have changed the line breaks.
  const present = readFileSync(path, "utf8").replaceAll("\r\n", "\n");
  return { file, path, present, wanted: COMPLETED[file]?.(present, template, path) ?? template };
}

/** Returns the files of the template, by name. @returns {[string, string][]} */
function templateFiles() {
  return readdirSync(TEMPLATE).map((file) => [
    // npm packs no file of that name.
    file === "gitignore" ? ".gitignore" : file,
    readFileSync(join(TEMPLATE, file), "utf8"),
  ]);
}

/**
 * Returns the scripts of the template for which the folder's package.json has others, by name, each with what the
 * template has.
 * @param {string} folder
 * @returns {[name: string, script: string][]}
 */
export function ownScripts(folder) {
  const scripts = (/** @type {string} */ of) => {
    const path = join(of, "package.json");
    return parseManifest(readFileSync(path, "utf8"), path).scripts ?? {};
  };
  const present = scripts(folder);
  const template = /** @type {[string, string][]} */ (Object.entries(scripts(TEMPLATE)));
  return template.filter(([name, script]) => present[name] !== script);
}

/**
 * Adds the members that a package.json lacks.
 * @param {string} present
 * @param {string} template
 * @param {string} path
 */
function completeManifest(present, template, path) {
  const manifest = parseManifest(present, path);
  const before = JSON.stringify(manifest);
  complete(manifest, JSON.parse(template));
  return JSON.stringify(manifest) === before ? present : `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * @param {Record<string, unknown>} present
 * @param {Record<string, unknown>} template
 */
function complete(present, template) {
  for (const [name, value] of Object.entries(template)) {
    const own = present[name];
    if (own === undefined) present[name] = value;
    else if (isObject(own) && isObject(value)) complete(own, value);
  }
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Adds the lines that a file lacks.
 * @param {string} present
 * @param {string} template
 */
function completeLines(present, template) {
  const lines = present.split("\n").map((line) => line.trim());
  const missing = template.split("\n").filter((line) => line !== "" && !lines.includes(line));
  if (missing.length === 0) return present;
  const separator = present === "" || present.endsWith("\n") ? "" : "\n";
  return `${present}${separator}${missing.join("\n")}\n`;
}
