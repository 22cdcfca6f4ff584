// The file of an export: what is in it says where to go on.

import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { Failure, UsageError } from "../common/errors.js";

/** How much of the file is read at once. */
const CHUNK_BYTES = 1024 * 1024;

/** What each line begins with: the id to resume after, and its shard. */
const LINE = /^\{"id":"([\w.~-]{1,100})","type":"event","shard":(\d{1,4}),"seq":\d+,/;

/** How a line begins that was not written to its end. */
const START = '{"id":"';

/** How much of a line is looked at. */
const HEAD_BYTES = 256;

/** A file that an export is written to, and goes on in. */
export class ExportFile {
  readonly #path: string;
  readonly #file: number;
  /** The id of the last event of each shard. */
  readonly cursors: Map<number, string> = new Map();
  /** How many events the file had when it was opened. */
  lines = 0;

  /** Opens the file, or creates it, and removes a last line that was not written to its end. */
  constructor(path: string) {
    this.#path = path;
    try {
      // For its owner alone: the events of customers are in it.
      this.#file = openSync(path, "a+", 0o600);
      ftruncateSync(this.#file, this.#read());
    } catch (error) {
      if (error instanceof UsageError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new UsageError(
        `the file of --output can't be written (${code})`,
        "see whether the path is right, and yours to write",
      );
    }
  }

  write(line: string): void {
    try {
      writeSync(this.#file, `${line}\n`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new Failure(
        `${this.#path} can't be written (${code})`,
        "once there is room, the same command goes on where it stopped",
      );
    }
  }

  close(): void {
    // A pipe or a terminal has nothing to sync.
    if (fstatSync(this.#file).isFile()) fsyncSync(this.#file);
    closeSync(this.#file);
  }

  /** Reads what is there; returns where the last whole line ends. */
  #read(): number {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let [at, begin, end] = [0, "", 0];
    for (;;) {
      const length = readSync(this.#file, chunk, 0, chunk.length, at);
      if (length === 0) {
        if (!begin.startsWith(START.slice(0, begin.length))) throw this.#foreign();
        return end;
      }
      let from = 0;
      for (;;) {
        const to = chunk.indexOf(0x0a, from);
        const isWhole = to >= 0 && to < length;
        const part = chunk.subarray(from, isWhole ? to : length);
        if (begin.length < HEAD_BYTES) begin += part.toString("latin1", 0, HEAD_BYTES);
        if (!isWhole) break;
        this.#add(begin);
        begin = "";
        from = to + 1;
        end = at + from;
      }
      at += length;
    }
  }

  #add(line: string): void {
    const [, id, shard] = LINE.exec(line) ?? [];
    if (id === undefined) throw this.#foreign();
    this.lines += 1;
    this.cursors.set(Number(shard), id);
  }

  #foreign(): UsageError {
    return new UsageError(
      `line ${this.lines + 1} of the file of --output is no event of an export`,
      "name another file: this one would be written to",
    );
  }
}
