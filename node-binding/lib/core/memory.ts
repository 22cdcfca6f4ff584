// The memory that is shared with the core (src/workspace.rs): payloads, signatures and digests are written into it,
// and what the core reports is read from it.

import { type Core, generation, heap } from "./engine.js";
import { DIGITS } from "./payload.js";
import { codecs, utf8 } from "./utf8.js";

/** The length of the key block before a payload. */
const PAD = 64;

/** Where things lie in an instance of the core, and how long a payload may be without more room. */
let places = { generation: -1, desk: 0, report: 0, payload: 0, capacity: -1 };

/** Views of the memory, which are void after it has grown. */
let bytes = new Uint8Array();
let digits = new Uint8Array();
let numbers = new Uint32Array();
/** Decodes short texts in half of the time, where there is one. */
let buffer: Buffer | undefined;
let decoder: TextDecoder | undefined;

/** Takes new views of a memory that has grown, and of a new one. */
function refreshViews(): void {
  if (bytes.byteLength > 0) return;
  bytes = new Uint8Array(heap());
  digits = bytes.subarray(places.desk, places.desk + DIGITS);
  numbers = new Uint32Array(heap(), places.report, 16);
  buffer = globalThis.Buffer?.from(heap());
}

/** Writes a payload of `length` bytes and its signature of 64 units; returns false where these are more than 64 bytes. */
export function write(core: Core, payload: Uint8Array, length: number, signature: string): boolean {
  if (places.generation !== generation) {
    places = { generation, desk: core.desk(), report: core.report(), payload: 0, capacity: -1 };
    bytes = new Uint8Array();
  }
  if (length > places.capacity) {
    places.capacity = length;
    places.payload = core.room(length);
  }
  refreshViews();
  bytes.set(payload, places.payload);
  return utf8().encodeInto(signature, digits).read === signature.length;
}

/** Returns what the host hashes: the key block and a payload of `length` bytes. */
export function padded(length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, places.payload - PAD, PAD + length);
}

/** Writes a digest that has a character for each byte. */
export function writeDigest(digest: string): void {
  const start = places.desk + DIGITS;
  for (let at = 0; at < digest.length; at += 1) bytes[start + at] = digest.charCodeAt(at);
}

/** Returns the numbers of the report. */
export function reported(): Uint32Array {
  refreshViews();
  return numbers;
}

/** Reads a text of which the report tells. */
export function text(address: number, length: number): string {
  const end = address + length;
  return buffer?.toString("utf8", address, end) ?? decode(bytes.subarray(address, end));
}

function decode(encoded: Uint8Array): string {
  if (decoder === undefined) {
    const { TextDecoder: Decoder } = codecs();
    decoder = new Decoder("utf-8", { ignoreBOM: true });
  }
  return decoder.decode(encoded);
}
