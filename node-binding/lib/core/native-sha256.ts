// The SHA-256 of the runtime, where it has one that is synchronous: it hashes several times as fast as the core.

type Hash = (algorithm: string, data: Uint8Array, encoding: "binary") => string;

/**
 * Below this a call of the host costs more than it saves: 64 bytes more than a payload has, as the key block is
 * hashed with it.
 */
export const WORTH_BYTES = 160;

/** SHA-256 of "abc" (FIPS 180-2, B.1), a character for each byte. */
const ABC =
  "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";

/** Returns the SHA-256 of bytes, a character for each of its own; undefined where the runtime has none. */
export const hostHash: ((data: Uint8Array) => string) | undefined = found();

function found(): ((data: Uint8Array) => string) | undefined {
  try {
    // Node, Bun and Deno hand it out without an import, which bundlers for the browser would stumble on.
    const crypto: { hash?: Hash } = globalThis.process?.getBuiltinModule?.("node:crypto") ?? {};
    const sha256 = (data: Uint8Array) => crypto.hash?.("sha256", data, "binary") ?? "";
    return sha256(new Uint8Array([97, 98, 99])) === ABC ? sha256 : undefined;
  } catch {
    return undefined;
  }
}
