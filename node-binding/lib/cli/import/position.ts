// How far a file has been imported: a place in it, and what stands before that place.

import { createHash } from "node:crypto";
import { readSync } from "node:fs";

/** How many bytes before the place are compared: another file of the same name has other ones there. */
const COMPARED_BYTES = 256;

export interface Position {
  readonly offset: number;
  readonly lines: number;
  /** Where the last batch before it begins: what is sent again, to see whether the gateway still has it. */
  readonly lastBatch: number;
}

export const BEGINNING: Position = { offset: 0, lines: 0, lastBatch: 0 };

/** Writes a position as the text that a state has. */
export function encode(file: number, { offset, lines, lastBatch }: Position): string {
  return `${offset}.${lines}.${lastBatch}.${digestBefore(file, offset)}`;
}

/** Reads such a text; undefined where the file is another one. */
export function decode(file: number, text: string): Position | undefined {
  const [, offset, lines, lastBatch, digest] = /^(\d+)\.(\d+)\.(\d+)\.(\w+)$/.exec(text) ?? [];
  const position = { offset: Number(offset), lines: Number(lines), lastBatch: Number(lastBatch) };
  return digest !== undefined && digest === digestBefore(file, position.offset)
    ? position
    : undefined;
}

/** Reads a part of the file. */
export function read(file: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from);
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from));
}

function digestBefore(file: number, offset: number): string {
  const bytes = read(file, Math.max(0, offset - COMPARED_BYTES), offset);
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
