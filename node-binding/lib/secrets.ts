import { refusal } from "./engine.js";
import { bytesOf } from "./payload.js";

/** A webhook secret as Vtryon shows it; its bytes are the key, whatever they look like. */
export type Secret = string | Uint8Array;

/** One secret, or several while they are rotated, the current one first. */
export type Secrets = Secret | readonly Secret[];

/** Returns the bytes of each secret, copied. Throws `secret_missing` where one is none. */
export function secretsOf(secrets: unknown): Uint8Array[] {
  try {
    const list: unknown[] = Array.isArray(secrets) ? [...secrets] : [secrets];
    return list.map(keyOf);
  } catch {
    // One that is none, or a proxy that throws.
    throw refusal("secret_missing");
  }
}

function keyOf(secret: unknown): Uint8Array {
  // Half of a surrogate pair is refused: as U+FFFD it would be the same secret as every other half.
  const bytes = bytesOf(secret);
  if (bytes === undefined) throw refusal("secret_missing");
  return bytes.slice();
}
