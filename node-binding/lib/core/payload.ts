import { utf8 } from "./utf8.js";

/** The request header that carries the signature, in lower case. */
export const SIGNATURE_HEADER = "x-vtryon-signature";

/** The raw body of a request, as it came. */
export type Payload = Uint8Array | ArrayBuffer | string;

/** All values of the header `x-vtryon-signature`, or its one value. */
export type SignatureHeader = string | readonly string[] | null | undefined;

/** How many digits a signature has. */
export const DIGITS = 64;

/**
 * Returns the bytes of a payload, also of one from another realm; undefined when it is none.
 * Memory that others write to at the same time is none: what was verified could change.
 */
export function bytesOf(payload: unknown): Uint8Array | undefined {
  if (typeof payload !== "string") return binaryOf(payload);
  // Half of a surrogate pair was in no body: encoded, it would turn into other bytes (U+FFFD).
  return payload.isWellFormed() ? utf8().encode(payload) : undefined;
}

// What a value really is, whatever it says of itself.
const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const kindOf = getter(typedArray, Symbol.toStringTag);
const sizeOf = getter(typedArray, "byteLength");
const memoryOf = getter(typedArray, "buffer");
const lengthOf = getter(ArrayBuffer.prototype, "byteLength");

/**
 * Returns how many bytes a payload has that can be copied as it is, without a view of its own, which takes longer than
 * the copy of a short one. All others, among them those without bytes, are 0: `bytesOf` knows more of them.
 */
export function sizeOfBytes(payload: unknown): number {
  if (kindOf(payload) !== "Uint8Array") return 0;
  try {
    // Throws for shared memory.
    lengthOf(memoryOf(payload));
    return sizeOf(payload) as number;
  } catch {
    return 0;
  }
}

/** Returns the memory that a value is, as it is now; undefined when it is none. */
export function binaryOf(value: unknown): Uint8Array | undefined {
  // What is no object is told without an exception, for adapters look at what may not be there.
  if (typeof value !== "object" || value === null) return undefined;
  try {
    if (!ArrayBuffer.isView(value)) {
      return new Uint8Array(value as ArrayBuffer, 0, lengthOf(value) as number);
    }
    if (kindOf(value) !== "Uint8Array") return undefined;
    // Throws for shared memory.
    lengthOf(value.buffer);
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  } catch {
    // Something else, or a detached buffer, or an object that throws when it is asked what it is.
    return undefined;
  }
}

function getter(prototype: object, name: PropertyKey): (value: unknown) => unknown {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
  return (value) => get?.call(value);
}

/** Returns the texts of a list; undefined where it is none, or holds something else. */
export function textsOf(list: unknown): string[] | undefined {
  try {
    const items: unknown[] = Array.isArray(list) ? [...list] : [undefined];
    return items.every(isText) ? items : undefined;
  } catch {
    // A proxy that throws.
    return undefined;
  }
}

/** Tells whether a value is a text that UTF-8 can hold: no half of a surrogate pair. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

/** How often a header came, and its value. What is no text is passed on as a malformed one. */
export function headerOf(signature: unknown): [count: number, value: string] {
  if (typeof signature === "string") return boundedOf(signature);
  if (signature === null || signature === undefined) return [0, ""];
  try {
    if (Array.isArray(signature)) {
      const value: unknown = signature[0];
      if (signature.length !== 1) return [signature.length > 1 ? 2 : 0, ""];
      return typeof value === "string" ? boundedOf(value) : [1, "?"];
    }
  } catch {
    // A proxy that throws.
  }
  return [1, "?"];
}

/** Keeps what is far too long to be a signature out of the core's memory; a list stays one. */
function boundedOf(signature: string): [count: number, value: string] {
  if (signature.length <= DIGITS) return [1, signature];
  return [1, signature.includes(",") ? "," : "?"];
}
