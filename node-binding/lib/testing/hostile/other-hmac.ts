// HMAC with the hashes that Vtryon does not sign with, and with keys that the core refuses: what a receiver must not
// take for a signature. It is written out because the platforms' own are asynchronous, or only in Node.

import { utf8Encoder } from "../../core/utf8.js";

interface Hash {
  /** Its block, in bytes. */
  readonly block: number;
  digest(message: Uint8Array): Uint8Array;
}

/** Signs with HMAC (RFC 2104) over a hash, in hex. */
export function otherHmac(hash: Hash, message: Uint8Array, secret: string): string {
  const bytes = utf8Encoder().encode(secret);
  const key = new Uint8Array(hash.block);
  key.set(bytes.length > hash.block ? hash.digest(bytes) : bytes);
  const inner = hash.digest(
    joined(
      key.map((byte) => byte ^ 0x36),
      message,
    ),
  );
  const mac = hash.digest(
    joined(
      key.map((byte) => byte ^ 0x5c),
      inner,
    ),
  );
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** FIPS 180-4, 6.1. */
export const sha1: Hash = {
  block: 64,
  digest(message) {
    const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
    const words = new Uint32Array(80);
    for (const block of blocks(message, 64)) {
      for (let at = 0; at < 80; at += 1) {
        const past = (back: number) => words[at - back] ?? 0;
        words[at] =
          at < 16 ? block.getUint32(at * 4) : left(past(3) ^ past(8) ^ past(14) ^ past(16), 1);
      }
      let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
      for (const [at, word] of words.entries()) {
        const [mix, constant] = sha1Round(at, b, c, d);
        [a, b, c, d, e] = [(left(a, 5) + mix + e + constant + word) | 0, a, left(b, 30), c, d];
      }
      for (const [at, value] of [a, b, c, d, e].entries()) state[at] = (state[at] ?? 0) + value;
    }
    const bytes = new DataView(new ArrayBuffer(20));
    for (const [at, value] of state.entries()) bytes.setUint32(at * 4, value);
    return new Uint8Array(bytes.buffer);
  },
};

/** FIPS 180-4, 6.2. */
export const sha256: Hash = {
  block: 64,
  digest(message) {
    const state = Uint32Array.from(primes(8), (prime) => low32(root(2n, prime << 64n)));
    const constants = Uint32Array.from(primes(64), (prime) => low32(root(3n, prime << 96n)));
    const words = new Uint32Array(64);
    const past = (at: number) => words[at] ?? 0;
    for (const block of blocks(message, 64)) {
      for (let at = 0; at < 64; at += 1) {
        const [w2, w15] = [past(at - 2), past(at - 15)];
        const near = right32(w2, 17) ^ right32(w2, 19) ^ (w2 >>> 10);
        const far = right32(w15, 7) ^ right32(w15, 18) ^ (w15 >>> 3);
        words[at] = at < 16 ? block.getUint32(at * 4) : near + past(at - 7) + far + past(at - 16);
      }
      let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
      for (const [at, constant] of constants.entries()) {
        const high = right32(e, 6) ^ right32(e, 11) ^ right32(e, 25);
        const first = (h + high + ((e & f) ^ (~e & g)) + constant + past(at)) | 0;
        const low = right32(a, 2) ^ right32(a, 13) ^ right32(a, 22);
        const second = low + ((a & b) ^ (a & c) ^ (b & c));
        [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
      }
      for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) {
        state[at] = (state[at] ?? 0) + value;
      }
    }
    const bytes = new DataView(new ArrayBuffer(32));
    for (const [at, value] of state.entries()) bytes.setUint32(at * 4, value);
    return new Uint8Array(bytes.buffer);
  },
};

/** FIPS 180-4, 6.4. */
export const sha512: Hash = {
  block: 128,
  digest(message) {
    const state = new BigUint64Array(primes(8).map((prime) => root(2n, prime << 128n)));
    const constants = primes(80).map((prime) => BigInt.asUintN(64, root(3n, prime << 192n)));
    const words = new BigUint64Array(80);
    const past = (at: number) => words[at] ?? 0n;
    for (const block of blocks(message, 128)) {
      for (let at = 0; at < 80; at += 1) {
        const [w2, w15] = [past(at - 2), past(at - 15)];
        const near = right(w2, 19n) ^ right(w2, 61n) ^ (w2 >> 6n);
        const far = right(w15, 1n) ^ right(w15, 8n) ^ (w15 >> 7n);
        words[at] =
          at < 16 ? block.getBigUint64(at * 8) : near + past(at - 7) + far + past(at - 16);
      }
      let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, h = 0n] = state;
      for (const [at, constant] of constants.entries()) {
        const high = right(e, 14n) ^ right(e, 18n) ^ right(e, 41n);
        const low = right(a, 28n) ^ right(a, 34n) ^ right(a, 39n);
        const first = h + high + ((e & f) ^ (~e & g)) + constant + past(at);
        const second = low + ((a & b) ^ (a & c) ^ (b & c));
        [a, b, c, d, e, f, g, h] = [first + second, a, b, c, d + first, e, f, g].map((word) =>
          BigInt.asUintN(64, word),
        ) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
      }
      for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) {
        state[at] = (state[at] ?? 0n) + value;
      }
    }
    const bytes = new DataView(new ArrayBuffer(64));
    for (const [at, value] of state.entries()) bytes.setBigUint64(at * 8, value);
    return new Uint8Array(bytes.buffer);
  },
};

function sha1Round(at: number, b: number, c: number, d: number): [mix: number, constant: number] {
  if (at < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (at < 40) return [b ^ c ^ d, 0x6ed9eba1];
  if (at < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  return [b ^ c ^ d, 0xca62c1d6];
}

/** Pads a message and cuts it into blocks (FIPS 180-4, 5.1). */
function blocks(message: Uint8Array, size: number): DataView[] {
  const lengthBytes = size / 8;
  const count = Math.ceil((message.length + 1 + lengthBytes) / size);
  const padded = new Uint8Array(count * size);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  return Array.from({ length: count }, (_, at) => new DataView(padded.buffer, at * size, size));
}

/** The first primes, whose roots are the constants of SHA-512 (FIPS 180-4, 4.2.3 and 5.3.5). */
function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let next = 2n; found.length < count; next += 1n) {
    if (found.every((prime) => next % prime !== 0n)) found.push(next);
  }
  return found;
}

/** The whole part of a root, bit by bit. */
function root(degree: bigint, value: bigint): bigint {
  let found = 0n;
  for (let bit = 1n << 70n; bit > 0n; bit >>= 1n) {
    if ((found + bit) ** degree <= value) found += bit;
  }
  return found;
}

const low32 = (value: bigint): number => Number(BigInt.asUintN(32, value));
const right32 = (word: number, by: number): number => (word >>> by) | (word << (32 - by));
const left = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
const right = (word: bigint, by: bigint): bigint => (word >> by) | (word << (64n - by));

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
