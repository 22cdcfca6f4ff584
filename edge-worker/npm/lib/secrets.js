// The secrets of a gateway: which it needs, and what it takes for each. With anything else it answers nothing but 503,
// so they are checked before they are stored or used. Whatever is said of a value never shows it.

import { randomBytes } from "node:crypto";
import { Failure } from "./failure.js";
import { faultOfSecret } from "./secret-checks.js";

/** The secrets without which the gateway answers 503. On this machine and before a deployment, each can be generated. */
export const REQUIRED = ["VTRYON_WEBHOOK_SECRET", "GATEWAY_ADMIN_TOKEN", "GATEWAY_MASTER_KEY"];

const ROOT_TOKENS = ["GATEWAY_ADMIN_TOKEN", "GATEWAY_ADMIN_TOKEN_PREVIOUS"];
const MIN_TOKEN_CHARS = 32;
const MAX_TOKEN_CHARS = 512;
const GENERATE = "generate one by `openssl rand -hex 32`";

/**
 * Returns what is wrong with a value, by the name of its secret; nothing where it is good.
 * @type {Record<string, (value: string) => string | undefined>}
 */
const RULES = {
  VTRYON_WEBHOOK_SECRET: faultOfSecret,
  VTRYON_WEBHOOK_SECRET_PREVIOUS: faultOfPrevious(faultOfSecret),
  GATEWAY_ADMIN_TOKEN: faultOfToken,
  GATEWAY_ADMIN_TOKEN_PREVIOUS: faultOfPrevious(faultOfToken),
  GATEWAY_TICKET_TOKEN: faultOfToken,
  GATEWAY_MASTER_KEY: faultOfKey,
};

/** Returns a new secret. */
export const generate = () => randomBytes(32).toString("hex");

/**
 * Throws where the gateway would not take one of these secrets. Other variables are not looked at.
 * @param {Record<string, string | undefined>} variables
 * @param {string} [where] where they are from
 */
export function checkSecrets(variables, where) {
  const place = where === undefined ? "" : ` in ${where}`;
  for (const [name, faultOf] of Object.entries(RULES)) {
    const value = variables[name];
    if (value === undefined) continue;
    // A file of JSON may hold anything.
    const fault = typeof value === "string" ? faultOf(value) : "is not a text";
    if (fault !== undefined) throw new Failure(`${name}${place} ${fault}`);
  }
  const { GATEWAY_TICKET_TOKEN: ticket } = variables;
  const same = ROOT_TOKENS.find((name) => ticket !== undefined && variables[name] === ticket);
  if (same) throw new Failure(`GATEWAY_TICKET_TOKEN${place} is the same as ${same}: ${GENERATE}`);
}

/** @param {string} value */
function faultOfToken(value) {
  const { length } = [...value];
  if (length < MIN_TOKEN_CHARS) return `has fewer than ${MIN_TOKEN_CHARS} characters: ${GENERATE}`;
  if (length > MAX_TOKEN_CHARS) return `has more than ${MAX_TOKEN_CHARS} characters: ${GENERATE}`;
  return faultOfSecret(value);
}

/** @param {string} value */
function faultOfKey(value) {
  // Base64 in either alphabet, with padding or without.
  if (/^([\da-f]{64}|[\w+/-]{43}=?)$/i.test(value)) return;
  return `is not 32 bytes in hex or base64: ${GENERATE}`;
}

/**
 * A secret before the current one may be empty: then there is none.
 * @param {(value: string) => string | undefined} faultOf
 */
function faultOfPrevious(faultOf) {
  return (/** @type {string} */ value) => (value === "" ? undefined : faultOf(value));
}
