// Where the package and what it depends on are.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { Failure } from "./failure.js";

const { resolve: locate } = createRequire(import.meta.url);

/** The folder of the package. */
export const PACKAGE = resolve(import.meta.dirname, "..");

/** The files that `init` writes. */
export const TEMPLATE = join(PACKAGE, "dist/template");

/** @type {{ name: string, version: string }} */
const manifest = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
export const NAME = manifest.name;
export const VERSION = manifest.version;

/**
 * A version of the gateway, and the schemas by which its shards and its directory store.
 * @typedef {{ version: string, schema: { shard: number, directory: number } }} GatewayVersion
 */

/** Returns the version of the gateway in the package. @returns {GatewayVersion} */
export const builtVersion = () =>
  JSON.parse(readFileSync(join(PACKAGE, "dist/version.json"), "utf8"));

/** Returns the tarball or the folder that the package was installed from, where it is not from a registry. */
export function localSource() {
  const modules = dirname(PACKAGE);
  // A link to its folder.
  if (basename(modules) !== "node_modules") return PACKAGE;
  const root = dirname(modules);
  const file = fileDependency(root);
  return file === undefined ? undefined : resolve(root, file);
}

/**
 * Returns the path that a folder's package.json has for this package, where it has one.
 * @param {string} folder
 * @returns {string | undefined}
 */
export function fileDependency(folder) {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return;
  const { dependencies, devDependencies } = parseManifest(readFileSync(file, "utf8"), file);
  const source = dependencies?.[NAME] ?? devDependencies?.[NAME];
  return source?.startsWith("file:") ? source.slice("file:".length) : undefined;
}

/**
 * Parses a package.json, which editors on Windows may have begun with a byte order mark.
 * @param {string} text
 * @param {string} file its path, for the error
 */
export function parseManifest(text, file) {
  try {
    const manifest = JSON.parse(text.replace(/^\ufeff/, ""));
    if (typeof manifest === "object" && manifest !== null) return manifest;
  } catch {
    // Reported below. What is said of it would show a part of it.
  }
  throw new Failure(
    `${file} is not valid JSON`,
    "npm reads no comments in it. Nothing was written.",
  );
}

const wranglerManifest = locate("wrangler/package.json");
const wrangler = join(
  dirname(wranglerManifest),
  JSON.parse(readFileSync(wranglerManifest, "utf8")).bin.wrangler,
);

/**
 * Starts the wrangler that the package depends on, by this process's Node: the same on every platform, without a
 * shell and without PATH.
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 */
export function spawnWrangler(args, options) {
  return spawn(process.execPath, [wrangler, ...args], {
    windowsHide: true,
    ...options,
    env: {
      ...process.env,
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_SEND_METRICS: "false",
      ...options.env,
    },
  });
}
