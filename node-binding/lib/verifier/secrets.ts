// Reads secrets from what a caller has passed, and from the environment.

import { callCore, webhookError } from "../core/engine.js";
import { WebhookError } from "../core/error.js";
import { readEnv } from "../core/options.js";
import { payloadBytes } from "../core/payload.js";
import type { Scheme } from "./standard-webhooks.js";

/** A webhook secret as Vtryon shows it. Its bytes are the key; nothing in it is decoded. */
export type Secret = string | Uint8Array;

/** One secret, or several while they are rotated, the current one first. */
export type Secrets = Secret | readonly Secret[];

/** A function that returns secrets. */
export type SecretFunction = () => Secrets | undefined | Promise<Secrets | undefined>;

/** Secrets, or a function that returns them. */
export type SecretSource = Secrets | SecretFunction;

/** The environment variables that hold the secrets. */
const CURRENT = "VTRYON_WEBHOOK_SECRET";
const PREVIOUS = "VTRYON_WEBHOOK_SECRET_PREVIOUS";

/** The longest secret, in bytes or UTF-16 units. Real ones are far shorter. */
const MAX_SECRET = 65_536;

/** What to do where a secret was passed, and is undefined: the environment does not replace it. */
const MISSING_HINT =
  "pass the secret that Vtryon shows when the URL is registered, or leave `secrets` out to read VTRYON_WEBHOOK_SECRET";

/**
 * Reads the secrets from the environment. Throws `invalid_option` for one that is not of the scheme, and the codes
 * that begin with `secret_`; the message names the variable.
 */
export function secretsFromEnvironment(scheme: Scheme): Uint8Array[] {
  const current = readEnv(CURRENT);
  const previous = readEnv(PREVIOUS);
  if (current === undefined) throw webhookError("secret_missing");
  const secrets = [fromVariable(CURRENT, current, scheme)];
  // Templates of .env files have an empty line for the previous secret.
  return previous === undefined || previous === ""
    ? secrets
    : [...secrets, fromVariable(PREVIOUS, previous, scheme)];
}

function fromVariable(name: string, text: string, scheme: Scheme): Uint8Array {
  const key = secretBytes(text, name);
  try {
    callCore((core) => core.checkSecret(key, scheme === "standard-webhooks"));
  } catch (error) {
    throw WebhookError.is(error) ? withName(error, name) : error;
  }
  return key;
}

/**
 * Copies the bytes of each secret. Throws `secret_missing` if there is none: for undefined, an empty list, and a list
 * of nothing but undefined, which are variables that are not set. Throws `invalid_option` for a value that is no
 * secret, or is too long. The message names its position in a list, as the core's messages do.
 */
export function secretList(secrets: unknown): Uint8Array[] {
  let list: unknown[];
  try {
    list = Array.isArray(secrets) ? [...secrets] : [secrets];
  } catch {
    // A proxy that throws.
    throw webhookError("invalid_option", "`secrets` can't be read");
  }
  if (list.length === 0) throw webhookError("secret_missing", undefined, {}, MISSING_HINT);
  if (list.every(isMissing)) throw missing(list[0], MISSING_HINT);
  return list.map((secret, index) => {
    if (!isMissing(secret)) {
      return secretBytes(secret, list.length > 1 ? `secrets[${index}]` : undefined);
    }
    const message = `\`secrets[${index}]\` is ${secret}`;
    throw webhookError("invalid_option", message, {}, "leave out a secret that is not set");
  });
}

/** Copies the bytes of one secret. Throws `secret_missing` and `invalid_option`. */
export function secretBytes(secret: unknown, name?: string): Uint8Array {
  if (isMissing(secret)) throw missing(secret);
  const isLong = typeof secret === "string" && secret.length > MAX_SECRET;
  const bytes = isLong ? undefined : payloadBytes(secret);
  if (bytes !== undefined && bytes.byteLength <= MAX_SECRET) return bytes.slice();
  const message =
    isLong || bytes !== undefined
      ? `the secret is longer than ${MAX_SECRET} bytes`
      : typeof secret === "string"
        ? // Encoded as U+FFFD, all such secrets would be equal.
          "the secret has half a surrogate pair"
        : "the secret is neither a text nor bytes";
  throw withName(webhookError("invalid_option", message), name);
}

const isMissing = (secret: unknown): secret is undefined | null =>
  secret === undefined || secret === null;

function missing(secret: undefined | null, hint?: string): WebhookError {
  return webhookError("secret_missing", `no secret is configured: it is ${secret}`, {}, hint);
}

/** Puts the name of a secret in front of an error's message. */
function withName(error: WebhookError, name: string | undefined): WebhookError {
  if (name === undefined) return error;
  return new WebhookError(error.code, error.status, `\`${name}\`: ${error.message}`, error.hint);
}
