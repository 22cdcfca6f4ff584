// The file of an export: what is in it says where to go on.

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { Failure, UsageError } from "../common/errors.js";
import { lock } from "../state/lock.js";

/** For its owner alone: the events of customers are in it. */
const MODE = 0o600;

/** How much of the file is read at once. */
const CHUNK_BYTES = 1024 * 1024;

/** What each line begins with: the id to resume after, its shard, and its number there. */
const LINE =
  /^\{"id":"([\w.~-]{1,100})","type":"(?:event|erased)","shard":(\d{1,4}),"seq":(\d{1,16}),/;

/** What stands in each line before the id, and after it. */
const START = '{"id":"';
const AFTER_ID = [',"type":"event","shard":', ',"type":"erased","shard":'];

/** How much of a line is looked at. */
const HEAD_BYTES = 256;

/** The last entry that a file has of a shard: the id to resume after, and its number. */
export interface Cursor {
  readonly id: string;
  readonly seq: number;
}

/** A file that an export is written to, and goes on in. */
export class ExportFile {
  readonly #path: string;
  readonly #file: number;
  #unlock: () => void = () => {};
  /** The last entry of each shard. */
  readonly cursors: Map<number, Cursor> = new Map();
  /** How many entries the file had when it was opened. */
  lines = 0;

  /** Opens the file, or creates it, and removes a last line that was not written to its end. */
  constructor(path: string) {
    this.#path = path;
    try {
      // A pipe or a terminal can't be resumed. It is opened for writing only: with a read end open in this process, no
      // EPIPE would come once the reader exits.
      if (statSync(path, { throwIfNoEntry: false })?.isFile() ?? true) {
        this.#unlock = lockOf(path);
        this.#resume();
      }
      this.#file = openSync(path, "a", MODE);
    } catch (error) {
      this.#unlock();
      if (error instanceof UsageError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      throw new UsageError(
        `the file of --output can't be written (${code ?? message})`,
        "see whether the path is right, and yours to write",
      );
    }
  }

  write(line: string): void {
    // Not `writeSync`: on a disk that gets full, it writes a part of the line and does not throw.
    this.#orFailure(() => writeFileSync(this.#file, `${line}\n`));
  }

  close(): void {
    try {
      this.#orFailure(() => {
        if (fstatSync(this.#file).isFile()) fsyncSync(this.#file);
      });
    } finally {
      closeSync(this.#file);
      this.#unlock();
    }
  }

  #orFailure(work: () => void): void {
    try {
      work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new Failure(
        `${this.#path} can't be written (${code})`,
        "once there is room, the same command goes on where it stopped",
      );
    }
  }

  /** Reads what is there, and removes what comes after the last whole line. */
  #resume(): void {
    // Opened for itself: on Windows, a file that is open for appending can't be truncated.
    const file = openSync(this.#path, constants.O_RDWR | constants.O_CREAT, MODE);
    try {
      ftruncateSync(file, this.#read(file));
    } finally {
      closeSync(file);
    }
  }

  /** Reads what is there; returns where the last whole line ends. */
  #read(file: number): number {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let [at, begin, end] = [0, "", 0];
    for (;;) {
      const length = readSync(file, chunk, 0, chunk.length, at);
      if (length === 0) {
        if (!isBeginning(begin)) throw this.#foreign();
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
    const [, id, shard, seq] = LINE.exec(line) ?? [];
    if (id === undefined) throw this.#foreign();
    this.lines += 1;
    this.cursors.set(Number(shard), { id, seq: Number(seq) });
  }

  #foreign(): UsageError {
    return new UsageError(
      `line ${this.lines + 1} of the file of --output is no event of an export`,
      "name another file: the export would be added to this one",
    );
  }
}

function lockOf(path: string): () => void {
  const unlock = lock(`${path}.lock`);
  if (typeof unlock !== "number") return unlock;
  throw new UsageError(`process ${unlock} writes this file already`, "wait for its end, or end it");
}

/** Returns whether a last line may be one of an export that was not written to its end. */
function isBeginning(text: string): boolean {
  const [withId] = /^\{"id":"[\w.~-]{1,100}"/.exec(text) ?? [];
  if (withId === undefined) return START.startsWith(text) || /^\{"id":"[\w.~-]{0,100}$/.test(text);
  const rest = text.slice(withId.length);
  return AFTER_ID.some((after) => rest.slice(0, after.length) === after.slice(0, rest.length));
}
