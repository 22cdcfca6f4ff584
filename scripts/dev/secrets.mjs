// The secrets of a local gateway: from the environment, else from .dev.vars,
// else generated and kept there.
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** How many characters the gateway wants of a token; with a shorter one it answers nothing but 503. */
const MIN_TOKEN_CHARS = 32;
const TOKENS = ["GATEWAY_ADMIN_TOKEN", "GATEWAY_TICKET_TOKEN"];

const generated = {
  VTRYON_WEBHOOK_SECRET: () => randomBytes(32).toString("hex"),
  GATEWAY_ADMIN_TOKEN: () => randomBytes(32).toString("hex"),
  GATEWAY_MASTER_KEY: () => randomBytes(32).toString("hex"),
};

/**
 * @param {string} devVars path of .dev.vars
 * @param {string} overlay path of a file for what the environment sets
 * @returns {{secrets: Record<string, string>, files: string[]}} the secrets,
 *   and the files that wrangler has to read in this order
 */
export function loadSecrets(devVars, overlay, environment = process.env) {
  const text = existsSync(devVars) ? readFileSync(devVars, "utf8") : "";
  const kept = parseEnv(text);
  checkTokens(environment, "the environment");
  checkTokens(kept, devVars, (name) => name in generated && environment[name] !== undefined);
  let separator = text === "" || text.endsWith("\n") ? "" : "\n";
  const secrets = {};
  const overrides = [];
  for (const [name, generate] of Object.entries(generated)) {
    if (environment[name] !== undefined) {
      secrets[name] = environment[name];
      overrides.push(`${name}=${quote(name, environment[name])}\n`);
      continue;
    }
    if (kept[name] === undefined) {
      kept[name] = generate();
      appendFileSync(devVars, `${separator}${name}="${kept[name]}"\n`, { mode: 0o600 });
      separator = "";
      console.error(`dev: generated ${name} into ${devVars}`);
    }
    secrets[name] = kept[name];
  }
  writeFileSync(overlay, overrides.join(""), { mode: 0o600 });
  return { secrets, files: [devVars, overlay].filter((file) => existsSync(file)) };
}

/** Throws where a token is too short, before anything is generated or started; its value is not shown. */
function checkTokens(variables, where, isOverridden = () => false) {
  for (const name of TOKENS) {
    const value = variables[name];
    if (value === undefined || isOverridden(name) || [...value].length >= MIN_TOKEN_CHARS) continue;
    throw new Error(
      `${name} in ${where} has fewer than ${MIN_TOKEN_CHARS} characters: generate one by \`openssl rand -hex 32\``,
    );
  }
}

/** The value such that wrangler reads back exactly that from an env file. */
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
