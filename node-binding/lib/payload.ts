/** The request header that carries the signature, in lower case. */
export const SIGNATURE_HEADER = "x-vtryon-signature";

/** The raw body of a request, as it came. */
export type Payload = Uint8Array | ArrayBuffer | string;

/** All values of the header `x-vtryon-signature`, or its one value. */
export type SignatureHeader = string | readonly string[] | null | undefined;

const tag = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/**
 * Returns the bytes of a payload, also of one from another realm; undefined when it is none.
 * Memory that others write to at the same time is none: what was verified could change.
 */
export function bytesOf(payload: unknown): Uint8Array | undefined {
  try {
    // Half of a surrogate pair was in no body: encoded, it would turn into other bytes (U+FFFD).
    if (typeof payload === "string") {
      return payload.isWellFormed() ? new TextEncoder().encode(payload) : undefined;
    }
    if (ArrayBuffer.isView(payload) && tag(payload) === "Uint8Array") {
      if (tag(payload.buffer) !== "ArrayBuffer") return undefined;
      return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
    }
    if (tag(payload) === "ArrayBuffer") return new Uint8Array(payload as ArrayBuffer);
  } catch {
    // A detached buffer, or an object that throws when it is asked what it is.
  }
  return undefined;
}

/** Returns the texts of a list; undefined where it is none, or holds something else. */
export function textsOf(list: unknown): string[] | undefined {
  try {
    const items: unknown[] = Array.isArray(list) ? [...list] : [undefined];
    return items.every((item) => typeof item === "string") ? items : undefined;
  } catch {
    // A proxy that throws.
    return undefined;
  }
}

/** How often a header came, and its value. What is no text is passed on as a malformed one. */
export function headerOf(signature: unknown): [count: number, value: string] {
  if (typeof signature === "string") return [1, signature];
  if (signature === null || signature === undefined) return [0, ""];
  try {
    if (Array.isArray(signature)) {
      const value: unknown = signature[0];
      if (signature.length !== 1) return [signature.length > 1 ? 2 : 0, ""];
      return [1, typeof value === "string" ? value : "?"];
    }
  } catch {
    // A proxy that throws.
  }
  return [1, "?"];
}
