// What wrangler does with the Worker on Cloudflare.

import { once } from "node:events";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { Failure } from "./failure.js";
import { spawnWrangler } from "./package.js";

const SIGN_IN = "If you are not signed in to Cloudflare: npx wrangler login";

/**
 * Returns the names of the secrets that the Worker on Cloudflare has.
 * @param {string} config
 */
export async function deployedSecrets(config) {
  const args = ["secret", "list", "--format", "json", "--config", config];
  const child = spawnWrangler(args, { cwd: dirname(config), stdio: ["ignore", "pipe", "pipe"] });
  if (!child.stdout || !child.stderr) throw new Error("wrangler has no output");
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  if (code === 0) return [...out.matchAll(/"name": *"([A-Z_]+)"/g)].map(([, name = ""]) => name);
  // A Worker that was never deployed has no secrets.
  if (/Worker ".*" not found/.test(out + err)) return [];
  throw new Failure(`the secrets cannot be listed: ${`${out}${err}`.trim()}`, SIGN_IN);
}

/**
 * Runs wrangler in the terminal of the user; `input` is what it reads.
 * @param {string} config
 * @param {string[]} args
 * @param {{ input?: string, failed: string, hint: string }} options what to say when it fails
 */
export async function runWrangler(config, args, { input, failed, hint }) {
  const child = spawnWrangler([...args, "--config", config], {
    cwd: dirname(config),
    stdio: [input === undefined ? "inherit" : "pipe", "inherit", "inherit"],
  });
  child.stdin?.end(input);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Failure(failed, hint);
}
