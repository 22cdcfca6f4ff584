// The folder that the command is run in: its configuration, or a hidden one where it has none.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure.js";
import { NAME, PACKAGE, TEMPLATE } from "../package.js";

/** What the gateway on this machine keeps in a folder: its state, and all else where the folder has no configuration. */
const HIDDEN = ".vtryon-gateway";

/** In wrangler's own order. */
const CONFIGURATIONS = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/**
 * Returns the path of the folder's configuration, if it has one.
 * @param {string} folder
 */
export function findConfig(folder) {
  return CONFIGURATIONS.map((file) => join(folder, file)).find((file) => existsSync(file));
}

/**
 * Returns the path of the folder's configuration.
 * @param {string} folder
 */
export function configOf(folder) {
  const config = findConfig(folder);
  if (config !== undefined) return config;
  throw new Failure(`${folder} has no wrangler.jsonc`, `Write one with: npx ${NAME} init`);
}

/**
 * Returns the settings of the folder's configuration, as wrangler reads them.
 * @param {string} config
 */
export async function readConfig(config) {
  // Loaded where it is needed, since it takes a second.
  const { experimental_readRawConfig } = await import("wrangler");
  // Cloned, since objects that are read from TOML have no prototype, and so equal none that are read from JSON.
  return structuredClone(experimental_readRawConfig({ config }).rawConfig);
}

/**
 * Returns the variables of the folder's configuration, or those of one of its environments: wrangler lets no
 * environment inherit them.
 * @param {string} config
 * @param {string | undefined} environment
 */
export async function readVariables(config, environment) {
  const { vars = {}, env = {} } = await readConfig(config);
  return environment ? (env[environment]?.vars ?? {}) : vars;
}

/**
 * Returns what the gateway on this machine runs with: the folder's own configuration and secrets, or hidden ones.
 * @param {string} folder
 */
export function localFiles(folder) {
  const hidden = join(folder, HIDDEN);
  mkdirSync(hidden, { recursive: true, mode: 0o700 });
  // So that it is not committed.
  writeFileSync(join(hidden, ".gitignore"), "*\n");
  const state = join(hidden, "state");
  const config = findConfig(folder);
  if (config !== undefined) return { config, devVars: join(folder, ".dev.vars"), state };
  return { config: writeHiddenConfig(hidden), devVars: join(hidden, ".dev.vars"), state };
}

/** @param {string} hidden */
function writeHiddenConfig(hidden) {
  const config = join(hidden, "wrangler.jsonc");
  const text = readFileSync(join(TEMPLATE, "wrangler.jsonc"), "utf8");
  // Slashes, which Windows takes too and JSON needs no escape for.
  writeFileSync(
    config,
    text.replaceAll(`./node_modules/${NAME}`, () => PACKAGE.replaceAll("\\", "/")),
  );
  return config;
}
