// How far a file has been imported: a place in it, and what stands before that place.

import { createHash } from "node:crypto";
import { readSync } from "node:fs";

/** How many bytes before the place are compared: another file of the same name has other ones there. */
const COMPARED_BYTES = 256;

export interface Position {
  readonly offset: number;
  readonly lines: number;
}

export const BEGINNING: Position = { offset: 0, lines: 0 };

/** Writes a position as the text that a state has. */
export function encode(file: number, { offset, lines }: Position): string {
  return `${offset}.${lines}.${digestBefore(file, offset)}`;
}

/** Reads such a text; undefined where the file is another one. */
export function decode(file: number, text: string): Position | undefined {
  const [, offset, lines, digest] = /^(\d+)\.(\d+)\.(\w+)$/.exec(text) ?? [];
  const position = { offset: Number(offset), lines: Number(lines) };
  return digest !== undefined && digest === digestBefore(file, position.offset)
    ? position
    : undefined;
}

function digestBefore(file: number, offset: number): string {
  const from = Math.max(0, offset - COMPARED_BYTES);
  const bytes = Buffer.alloc(offset - from);
  const length = readSync(file, bytes, 0, bytes.length, from);
  return createHash("sha256").update(bytes.subarray(0, length)).digest("hex").slice(0, 16);
}
