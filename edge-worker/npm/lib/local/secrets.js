// The secrets of a local gateway: from the environment, else from .dev.vars,
// else generated and kept there.
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** How many characters the gateway wants of a token; with a shorter one it answers nothing but 503. */
const MIN_TOKEN_CHARS = 32;
const TOKENS = ["GATEWAY_ADMIN_TOKEN", "GATEWAY_TICKET_TOKEN"];

/** Returns a new secret. */
export const generate = () => randomBytes(32).toString("hex");

/** The secrets without which the gateway answers 503. On this machine and before a deployment, each can be generated. */
export const REQUIRED = ["VTRYON_WEBHOOK_SECRET", "GATEWAY_ADMIN_TOKEN", "GATEWAY_MASTER_KEY"];

/**
 * Returns the secrets to run with.
 * @param {string} devVars path of .dev.vars
 * @param {string} overlay path of a file for what the environment sets
 * @param {NodeJS.ProcessEnv} environment
 * @returns {{secrets: Record<string, string>, files: string[]}} the secrets,
 *   and the files that wrangler has to read in this order
 */
export function loadSecrets(devVars, overlay, environment = process.env) {
  checkTokens(environment, "the environment");
  /** @type {Record<string, string>} */
  const given = {};
  for (const name of REQUIRED) {
    if (environment[name] !== undefined) given[name] = environment[name];
  }
  const kept = keepSecrets(devVars, Object.keys(given));
  const overrides = Object.entries(given).map(([name, value]) => `${name}=${quote(name, value)}\n`);
  writeFileSync(overlay, overrides.join(""), { mode: 0o600 });
  return {
    secrets: { ...kept, ...given },
    files: [devVars, overlay].filter((file) => existsSync(file)),
  };
}

/**
 * Generates the secrets that are missing in .dev.vars, except `given` ones, and returns all that it holds.
 * @param {string} devVars
 * @param {string[]} given
 * @returns {Record<string, string>}
 */
export function keepSecrets(devVars, given = []) {
  const text = existsSync(devVars) ? readFileSync(devVars, "utf8") : "";
  const kept = /** @type {Record<string, string>} */ (parseEnv(text));
  checkTokens(kept, devVars, (name) => given.includes(name));
  let separator = text === "" || text.endsWith("\n") ? "" : "\n";
  for (const name of REQUIRED) {
    if (given.includes(name) || kept[name] !== undefined) continue;
    kept[name] = generate();
    appendFileSync(devVars, `${separator}${name}="${kept[name]}"\n`, { mode: 0o600 });
    separator = "";
    console.error(`generated ${name} into ${devVars}`);
  }
  return kept;
}

/**
 * Throws where a token is too short, before anything is generated or started; its value is not shown.
 * @param {NodeJS.ProcessEnv} variables
 * @param {string} where
 * @param {(name: string) => boolean} isOverridden
 */
function checkTokens(variables, where, isOverridden = () => false) {
  for (const name of TOKENS) {
    const value = variables[name];
    if (value === undefined || isOverridden(name) || [...value].length >= MIN_TOKEN_CHARS) continue;
    throw new Error(
      `${name} in ${where} has fewer than ${MIN_TOKEN_CHARS} characters: generate one by \`openssl rand -hex 32\``,
    );
  }
}

/**
 * Quotes a value such that wrangler reads back exactly that from an env file.
 * @param {string} name
 * @param {string} value
 */
function quote(name, value) {
  const mark = ["'", '"', "`"].find((one) => !value.includes(one));
  if (!mark || /[\r\n\\]/.test(value)) {
    throw new Error(
      `${name} holds what an env file cannot: a line break, a \\, or all three quotes`,
    );
  }
  // wrangler expands $NAME in every kind of quotes.
  return mark + value.replaceAll("$", "\\$") + mark;
}
