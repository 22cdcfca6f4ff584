import { refusal } from "./engine.js";
import { bytesOf } from "./payload.js";

/** A webhook secret as Vtryon shows it; its bytes are the key, whatever they look like. */
export type Secret = string | Uint8Array;

/** One secret, or several while they are rotated, the current one first. */
export type Secrets = Secret | readonly Secret[];

/** The longest secret, in bytes or UTF-16 units: far more than anybody has. */
const MAX_SECRET = 65_536;

/**
 * Returns the bytes of each secret, copied. Throws `secret_missing` where one is none, `invalid_option`
 * where one is too long.
 */
export function secretsOf(secrets: unknown): Uint8Array[] {
  let list: unknown[];
  try {
    list = Array.isArray(secrets) ? [...secrets] : [secrets];
  } catch {
    // A proxy that throws.
    throw refusal("secret_missing");
  }
  return list.map(keyOf);
}

function keyOf(secret: unknown): Uint8Array {
  // Half of a surrogate pair is refused: as U+FFFD it would be the same secret as every other half.
  const isLong = typeof secret === "string" && secret.length > MAX_SECRET;
  const bytes = isLong ? undefined : bytesOf(secret);
  if (isLong || (bytes?.byteLength ?? 0) > MAX_SECRET) {
    throw refusal("invalid_option", `a secret is longer than ${MAX_SECRET} bytes`);
  }
  if (bytes === undefined) throw refusal("secret_missing");
  return bytes.slice();
}
