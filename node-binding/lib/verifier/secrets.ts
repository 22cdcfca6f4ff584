import { call, refusal } from "../core/engine.js";
import { WebhookError } from "../core/error.js";
import { variable } from "../core/options.js";
import { bytesOf } from "../core/payload.js";

/** A webhook secret as Vtryon shows it; its bytes are the key, whatever they look like. */
export type Secret = string | Uint8Array;

/** One secret, or several while they are rotated, the current one first. */
export type Secrets = Secret | readonly Secret[];

/** A function that gets secrets. */
export type SecretFunction = () => Secrets | undefined | Promise<Secrets | undefined>;

/** Secrets, or a function that gets them. */
export type SecretSource = Secrets | SecretFunction;

/** The variables of the environment that hold the secrets. */
const CURRENT = "VTRYON_WEBHOOK_SECRET";
const PREVIOUS = "VTRYON_WEBHOOK_SECRET_PREVIOUS";

/** The longest secret, in bytes or UTF-16 units: far more than anybody has. */
const MAX_SECRET = 65_536;

/** Reads the secrets from the environment. Throws the codes of secrets, with the name of the variable. */
export function secretsFromEnvironment(): Uint8Array[] {
  const current = variable(CURRENT);
  const previous = variable(PREVIOUS);
  if (current === undefined) throw refusal("secret_missing");
  const secrets = [fromVariable(CURRENT, current)];
  // Templates leave an empty line for the previous secret while there is none.
  return previous === undefined || previous === ""
    ? secrets
    : [...secrets, fromVariable(PREVIOUS, previous)];
}

function fromVariable(name: string, text: string): Uint8Array {
  const key = keyOf(text, name);
  try {
    call((core) => core.checkSecret(key));
  } catch (fault) {
    throw WebhookError.is(fault) ? named(fault, name) : fault;
  }
  return key;
}

/**
 * Copies the bytes of each secret. Throws `secret_missing` where one is none and `invalid_option` where one is too
 * long, with its position in a list; the core names it in the same way for what it refuses.
 */
export function secretsOf(secrets: unknown): Uint8Array[] {
  let list: unknown[];
  try {
    list = Array.isArray(secrets) ? [...secrets] : [secrets];
  } catch {
    // A proxy that throws.
    throw refusal("secret_missing");
  }
  return list.map((secret, nth) => keyOf(secret, list.length > 1 ? `secrets[${nth}]` : undefined));
}

/** Copies the bytes of one secret. Throws `secret_missing` and `invalid_option`. */
export function keyOf(secret: unknown, name?: string): Uint8Array {
  // Half of a surrogate pair is refused: as U+FFFD it would be the same secret as every other half.
  const isLong = typeof secret === "string" && secret.length > MAX_SECRET;
  const bytes = isLong ? undefined : bytesOf(secret);
  if (isLong || (bytes?.byteLength ?? 0) > MAX_SECRET) {
    const message = `the secret is longer than ${MAX_SECRET} bytes`;
    throw named(refusal("invalid_option", message), name);
  }
  if (bytes === undefined) {
    const message =
      secret === undefined || secret === null
        ? `no secret is configured: it is ${secret}`
        : typeof secret === "string"
          ? "no secret is configured: the text has half a surrogate pair"
          : "no secret is configured: it is neither a text nor bytes";
    throw named(refusal("secret_missing", message), name);
  }
  return bytes.slice();
}

/** Puts the name of a secret before what is wrong with it. */
function named(fault: WebhookError, name: string | undefined): WebhookError {
  if (name === undefined) return fault;
  return new WebhookError(fault.code, fault.status, `\`${name}\`: ${fault.message}`, fault.hint);
}
