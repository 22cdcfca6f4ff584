// The folder that the command is run in: its configuration, or a hidden one where it has none.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { promisify } from "node:util";
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
 * Returns the path of the folder's configuration, which is one of the gateway.
 * @param {string} folder
 * @param {string} [environment]
 */
export async function configOf(folder, environment) {
  const config = findConfig(folder);
  if (config === undefined)
    throw new Failure(`${folder} has no wrangler.jsonc`, `Write one with: npx ${NAME} init`);
  await checkIsOfGateway(config, environment);
  return config;
}

/**
 * Throws where a configuration is one of another Worker: its secrets, its deployment and its state are not ours.
 * @param {string} config
 * @param {string} [environment] one that may have a Worker of its own
 */
export async function checkIsOfGateway(config, environment) {
  const { main, env } = await readConfig(config);
  const own = (environment && env?.[environment]?.main) || main;
  if (typeof own === "string" && isWorkerOfGateway(resolve(dirname(config), own))) return;
  throw new Failure(
    `${config} is of another Worker: its main is ${own === undefined ? "missing" : own}`,
    `The gateway has a folder of its own: npx ${NAME} init gateway`,
  );
}

/** @param {string} file */
function isWorkerOfGateway(file) {
  const installed = join("node_modules", NAME, "dist/worker/index.js");
  // In the repository, which builds it there.
  return file.endsWith(sep + installed) || file === resolve(PACKAGE, "../build/index.js");
}

/**
 * Returns the settings of the folder's configuration, as wrangler reads them.
 * @param {string} config
 * @returns {Promise<any>}
 */
export async function readConfig(config) {
  // In a process of its own: with wrangler, `dev` would take 200 MB more as long as it runs.
  const args = [join(import.meta.dirname, "print-config.js"), config];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { windowsHide: true });
    return JSON.parse(stdout);
  } catch (error) {
    const { stderr, message } = /** @type {Error & { stderr?: string }} */ (error);
    throw new Failure(`${config} cannot be read: ${stderr?.trim() || message}`);
  }
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
export async function localFiles(folder) {
  const config = findConfig(folder);
  if (config !== undefined) await checkIsOfGateway(config, process.env.CLOUDFLARE_ENV);
  const hidden = join(folder, HIDDEN);
  mkdirSync(hidden, { recursive: true, mode: 0o700 });
  // So that it is not committed.
  writeFileSync(join(hidden, ".gitignore"), "*\n");
  const state = join(hidden, "state");
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
