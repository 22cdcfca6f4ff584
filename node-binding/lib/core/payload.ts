// Payloads and signature headers, whatever a caller has passed as them.

import { utf8Encoder } from "./utf8.js";

/** The request header that carries the signature, in lower case. */
export const SIGNATURE_HEADER = "x-vtryon-signature";

/** The raw body of a request, as it came. */
export type Payload = Uint8Array | ArrayBuffer | string;

/** All values of the header `x-vtryon-signature`, or its one value. */
export type SignatureHeader = string | readonly string[] | null | undefined;

/** The number of hex digits of a signature. */
export const SIGNATURE_DIGITS = 64;

/**
 * Returns the bytes of a payload, also of one from another realm; undefined if it is no payload.
 * Shared memory is none: another thread could change it after verification.
 */
export function payloadBytes(payload: unknown): Uint8Array | undefined {
  if (typeof payload !== "string") return binaryView(payload);
  // Half a surrogate pair can't come from a UTF-8 body, and would be encoded as U+FFFD.
  return payload.isWellFormed() ? utf8Encoder().encode(payload) : undefined;
}

// The built-in getters: a subclass or an own property can't override what they return.
const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const typeName = getter(typedArray, Symbol.toStringTag);
const byteLength = getter(typedArray, "byteLength");
const byteOffset = getter(typedArray, "byteOffset");
const bufferOf = getter(typedArray, "buffer");
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");

/**
 * Returns the length of a `Uint8Array`, which can be copied without a view of its own; that view costs more than
 * copying a short payload. Returns 0 for everything else, also for empty payloads: `payloadBytes` handles those.
 */
export function plainByteLength(payload: unknown): number {
  if (typeName(payload) !== "Uint8Array") return 0;
  try {
    // Throws for shared memory.
    bufferLength(bufferOf(payload));
    return byteLength(payload) as number;
  } catch {
    return 0;
  }
}

/** Returns a view of an ArrayBuffer or a Uint8Array, with its current length; undefined for anything else. */
export function binaryView(value: unknown): Uint8Array | undefined {
  // Checked first because it is common, and an exception is slow: adapters pass what may be absent.
  if (typeof value !== "object" || value === null) return undefined;
  try {
    if (!ArrayBuffer.isView(value)) {
      return new Uint8Array(value as ArrayBuffer, 0, bufferLength(value) as number);
    }
    if (typeName(value) !== "Uint8Array") return undefined;
    const buffer = bufferOf(value) as ArrayBuffer;
    // Throws for shared memory.
    bufferLength(buffer);
    return new Uint8Array(buffer, byteOffset(value) as number, byteLength(value) as number);
  } catch {
    // Another type, a detached buffer, or an object that throws.
    return undefined;
  }
}

function getter(prototype: object, name: PropertyKey): (value: unknown) => unknown {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
  return (value) => get?.call(value);
}

/** Returns whether a value is a string that UTF-8 can encode: one without half a surrogate pair. */
export function isWellFormedString(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

/** Returns how many values a signature header has, and the value if there is one; "?" if that is no string. */
export function signatureHeader(signature: unknown): [count: number, value: string] {
  if (typeof signature === "string") return boundedSignature(signature);
  if (signature === null || signature === undefined) return [0, ""];
  try {
    if (Array.isArray(signature)) {
      const value: unknown = signature[0];
      if (signature.length !== 1) return [signature.length > 1 ? 2 : 0, ""];
      return typeof value === "string" ? boundedSignature(value) : [1, "?"];
    }
  } catch {
    // A proxy that throws.
  }
  return [1, "?"];
}

/** Replaces a value that is too long for a signature, so that it is not copied: by "," if it is a list, else "?". */
function boundedSignature(signature: string): [count: number, value: string] {
  if (signature.length <= SIGNATURE_DIGITS) return [1, signature];
  return [1, signature.includes(",") ? "," : "?"];
}
