// The memory that is shared with the core (src/shared_memory.rs): payloads, signatures and digests are written into
// it, and the core's report is read out of it.

import { type Core, generation, wasmBuffer } from "./engine.js";
import { SIGNATURE_DIGITS } from "./payload.js";
import { textCodecs, utf8Encoder } from "./utf8.js";

/** The length of HMAC's inner key block, which precedes the payload. */
const KEY_BLOCK = 64;

/** The addresses in the current instance of the core, and the longest payload that memory is reserved for. */
let layout = { generation: -1, scratch: 0, report: 0, payload: 0, capacity: -1 };

/** Views of the memory. They are detached when it grows. */
let bytes = new Uint8Array();
let signatureDigits = new Uint8Array();
let report = new Uint32Array();
/** Where the runtime has `Buffer`: it decodes short texts in half the time of a TextDecoder. */
let buffer: Buffer | undefined;
let decoder: TextDecoder | undefined;

/** Creates the views again after the memory has grown or the core was restarted. */
function refreshViews(): void {
  if (bytes.byteLength > 0) return;
  bytes = new Uint8Array(wasmBuffer());
  signatureDigits = bytes.subarray(layout.scratch, layout.scratch + SIGNATURE_DIGITS);
  report = new Uint32Array(wasmBuffer(), layout.report, 16);
  buffer = globalThis.Buffer?.from(wasmBuffer());
}

/**
 * Writes a payload of `length` bytes and its signature of 64 characters. Returns false if the signature does not fit,
 * because it has characters of more than one byte.
 */
export function writePayload(
  core: Core,
  payload: Uint8Array,
  length: number,
  signature: string,
): boolean {
  if (layout.generation !== generation) {
    const [scratch, report] = [core.scratchPtr(), core.reportPtr()];
    layout = { generation, scratch, report, payload: 0, capacity: -1 };
    bytes = new Uint8Array();
  }
  if (length > layout.capacity) {
    layout.capacity = length;
    layout.payload = core.reserve(length);
  }
  refreshViews();
  bytes.set(payload, layout.payload);
  return utf8Encoder().encodeInto(signature, signatureDigits).read === signature.length;
}

/** Returns the input of HMAC's inner hash: the key block and a payload of `length` bytes. */
export function keyedPayload(length: number): Uint8Array {
  refreshViews();
  return new Uint8Array(bytes.buffer, layout.payload - KEY_BLOCK, KEY_BLOCK + length);
}

/** Writes a digest for the core. It is a string with one character for each byte. */
export function writeDigest(digest: string): void {
  refreshViews();
  const start = layout.scratch + SIGNATURE_DIGITS;
  for (let at = 0; at < digest.length; at += 1) bytes[start + at] = digest.charCodeAt(at);
}

/** Returns the numbers of the core's report. */
export function reportNumbers(): Uint32Array {
  refreshViews();
  return report;
}

/** Decodes a text of `length` bytes at an address. */
export function readText(address: number, length: number): string {
  const end = address + length;
  return buffer?.toString("utf8", address, end) ?? decode(bytes.subarray(address, end));
}

function decode(encoded: Uint8Array): string {
  if (decoder === undefined) {
    const { TextDecoder: Decoder } = textCodecs();
    decoder = new Decoder("utf-8", { ignoreBOM: true });
  }
  return decoder.decode(encoded);
}
