// The secrets of a local gateway: from the environment, else from .dev.vars,
// else generated and kept there.
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { checkSecrets, generate, REQUIRED } from "../secrets.js";

/**
 * Returns the secrets to run with.
 * @param {string} devVars path of .dev.vars
 * @param {string} overlay path of a file for what the environment sets, and for what wrangler would not take as it is
 * @param {NodeJS.ProcessEnv} environment
 * @returns {{secrets: Record<string, string>, files: string[]}} the secrets,
 *   and the files that wrangler has to read in this order
 */
export function loadSecrets(devVars, overlay, environment = process.env) {
  /** @type {Record<string, string>} */
  const given = {};
  for (const name of REQUIRED) {
    if (environment[name]) given[name] = environment[name];
  }
  checkSecrets(given, "the environment");
  const kept = keepSecrets(devVars, Object.keys(given));
  // wrangler expands $NAME in an env file, which .dev.vars is to it here.
  const expanded = Object.entries(kept).filter(([, value]) => value.includes("$"));
  const overrides = Object.entries({ ...Object.fromEntries(expanded), ...given }).map(
    ([name, value]) => `${name}=${quote(name, value)}\n`,
  );
  writeFileSync(overlay, overrides.join(""), { mode: 0o600 });
  return {
    secrets: { ...kept, ...given },
    files: [devVars, overlay].filter((file) => existsSync(file)),
  };
}

/**
 * Generates the secrets that are missing or empty in .dev.vars, except `given` ones, and returns all that it holds.
 * @param {string} devVars
 * @param {string[]} given
 * @returns {Record<string, string>}
 */
export function keepSecrets(devVars, given = []) {
  let text = existsSync(devVars) ? readFileSync(devVars, "utf8") : "";
  const kept = /** @type {Record<string, string>} */ (parseEnv(text));
  const missing = REQUIRED.filter((name) => !given.includes(name) && !kept[name]);
  const unused = [...given, ...missing];
  checkSecrets(
    Object.fromEntries(Object.entries(kept).filter(([name]) => !unused.includes(name))),
    devVars,
  );
  if (missing.length === 0) return kept;
  for (const name of missing) {
    kept[name] = generate();
    text = withSecret(text, name, kept[name]);
  }
  replaceFile(devVars, text);
  for (const name of missing) console.error(`generated ${name} into ${devVars}`);
  return kept;
}

/**
 * Replaces a file, or what a link leads to, as a whole or not at all, by one that its owner alone can read.
 * @param {string} file
 * @param {string} text
 */
function replaceFile(file, text) {
  const target = existsSync(file) ? realpathSync(file) : file;
  const whole = `${target}.${process.pid}`;
  try {
    writeFileSync(whole, text, { mode: 0o600 });
    renameSync(whole, target);
  } finally {
    rmSync(whole, { force: true });
  }
}

/**
 * Sets a secret in the text of an env file: in its line that is empty, else at the end.
 * @param {string} text
 * @param {string} name
 * @param {string} value
 */
function withSecret(text, name, value) {
  const line = `${name}="${value}"`;
  const empty = new RegExp(`^${name}=(""|'')?[ \\t]*$`, "m");
  if (empty.test(text)) return text.replace(empty, line);
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`;
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
  // Expanded in every kind of quotes.
  return mark + value.replaceAll("$", "\\$") + mark;
}
