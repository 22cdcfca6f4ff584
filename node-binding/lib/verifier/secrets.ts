// Reads secrets from what a caller has passed, and from the environment.

import { callCore, webhookError } from "../core/engine.js";
import { WebhookError } from "../core/error.js";
import { readEnv } from "../core/options.js";
import { payloadBytes } from "../core/payload.js";

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

/** Reads the secrets from the environment. Throws the codes that begin with `secret_`; the message names the variable. */
export function secretsFromEnvironment(): Uint8Array[] {
  const current = readEnv(CURRENT);
  const previous = readEnv(PREVIOUS);
  if (current === undefined) throw webhookError("secret_missing");
  const secrets = [fromVariable(CURRENT, current)];
  // Templates of .env files have an empty line for the previous secret.
  return previous === undefined || previous === ""
    ? secrets
    : [...secrets, fromVariable(PREVIOUS, previous)];
}

function fromVariable(name: string, text: string): Uint8Array {
  const key = secretBytes(text, name);
  try {
    callCore((core) => core.checkSecret(key));
  } catch (error) {
    throw WebhookError.is(error) ? withName(error, name) : error;
  }
  return key;
}

/**
 * Copies the bytes of each secret. Throws `secret_missing` for a value that is no secret and `invalid_option` for one
 * that is too long. The message names its position in a list, as the core's messages do.
 */
export function secretList(secrets: unknown): Uint8Array[] {
  let list: unknown[];
  try {
    list = Array.isArray(secrets) ? [...secrets] : [secrets];
  } catch {
    // A proxy that throws.
    throw webhookError("secret_missing");
  }
  return list.map((secret, index) =>
    secretBytes(secret, list.length > 1 ? `secrets[${index}]` : undefined),
  );
}

/** Copies the bytes of one secret. Throws `secret_missing` and `invalid_option`. */
export function secretBytes(secret: unknown, name?: string): Uint8Array {
  // Half a surrogate pair is refused: encoded as U+FFFD, all such secrets would be equal.
  const isLong = typeof secret === "string" && secret.length > MAX_SECRET;
  const bytes = isLong ? undefined : payloadBytes(secret);
  if (isLong || (bytes?.byteLength ?? 0) > MAX_SECRET) {
    const message = `the secret is longer than ${MAX_SECRET} bytes`;
    throw withName(webhookError("invalid_option", message), name);
  }
  if (bytes === undefined) {
    const message =
      secret === undefined || secret === null
        ? `no secret is configured: it is ${secret}`
        : typeof secret === "string"
          ? "no secret is configured: the text has half a surrogate pair"
          : "no secret is configured: it is neither a text nor bytes";
    throw withName(webhookError("secret_missing", message), name);
  }
  return bytes.slice();
}

/** Puts the name of a secret in front of an error's message. */
function withName(error: WebhookError, name: string | undefined): WebhookError {
  if (name === undefined) return error;
  return new WebhookError(error.code, error.status, `\`${name}\`: ${error.message}`, error.hint);
}
