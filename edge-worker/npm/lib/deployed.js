// What wrangler does with the Worker on Cloudflare.

import { once } from "node:events";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { Option } from "commander";
import { Failure } from "./failure.js";
import { spawnWrangler } from "./package.js";

const SIGN_IN = "If you are not signed in to Cloudflare: npx wrangler login";

/**
 * The Worker that is meant: the configuration, and one of its environments where it is not the Worker of the whole.
 * @typedef {{ config: string, environment?: string }} Target
 */

/** Chooses an environment of the configuration; wrangler takes the variable too. */
export const environmentOption = () =>
  new Option("--env <name>", "an environment of the configuration").env("CLOUDFLARE_ENV");

/** @param {Target} target */
const options = ({ config, environment }) => [
  "--config",
  config,
  // An empty name too, by which wrangler takes the Worker of the whole whatever CLOUDFLARE_ENV says.
  ...(environment === undefined ? [] : ["--env", environment]),
];

/**
 * Returns the names of the secrets that the Worker on Cloudflare has.
 * @param {Target} target
 */
export async function deployedSecrets(target) {
  const { config } = target;
  const args = ["secret", "list", "--format", "json", ...options(target)];
  const child = spawnWrangler(args, { cwd: dirname(config), stdio: ["ignore", "pipe", "pipe"] });
  if (!child.stdout || !child.stderr) throw new Error("wrangler has no output");
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  if (code === 0) return [...out.matchAll(/"name": *"([A-Z_]+)"/g)].map(([, name = ""]) => name);
  // A Worker that was never deployed has no secrets.
  if (/Worker ".*"( \(env: .*\))? not found/.test(out + err)) return [];
  throw new Failure(`the secrets cannot be listed: ${`${out}${err}`.trim()}`, SIGN_IN);
}

/**
 * Runs wrangler in the terminal of the user; `input` is what it reads.
 * @param {Target} target
 * @param {string[]} args
 * @param {{ input?: string, failed: string, hint: string }} options what to say when it fails
 */
export async function runWrangler(target, args, { input, failed, hint }) {
  const child = spawnWrangler([...args, ...options(target)], {
    cwd: dirname(target.config),
    stdio: [input === undefined ? "inherit" : "pipe", "inherit", "inherit"],
  });
  child.stdin?.end(input);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Failure(failed, hint);
}
