import { utf8Encoder } from "../../core/utf8.js";
import { bytesToHex, hmac, sha1, sha256, sha512 } from "./hashes.js";

export type HashName = "sha1" | "sha256" | "sha512";

const HASHES: Readonly<Record<HashName, Parameters<typeof hmac>[0]>> = { sha1, sha256, sha512 };

/**
 * Signs with a hash that Vtryon does not use, or with a key that the core refuses, such as an empty one: a signature
 * that a receiver must not accept. It is synchronous in every runtime, which WebCrypto and node:crypto are not.
 */
export function otherHmac(hash: HashName, message: Uint8Array, secret: string): string {
  return bytesToHex(hmac(HASHES[hash], utf8Encoder().encode(secret), message));
}
