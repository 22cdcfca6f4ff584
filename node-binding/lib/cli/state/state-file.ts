import { createHash } from "node:crypto";
import { closeSync, fsyncSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Failure, UsageError } from "../common/errors.js";
import { lock } from "./lock.js";
import { createPrivate, makeFolder, readPrivate, UnsafeFileError } from "./private-file.js";

/** The size at which the file is compacted. */
const MAX_BYTES = 1024 * 1024;

const HINT =
  "see whether the path is right and yours to write, or name another with --state <file>";

/** How far a shard was forwarded. */
interface ShardPosition {
  /** Everything up to this id was forwarded. */
  cursor?: string;
  /** The number of the last event up to the cursor. */
  seq: number;
  /** Later events that were forwarded already, with the names of their backends. */
  readonly ahead: Map<number, Set<string>>;
}

/** A line of the file after the first; `s` is the shard. */
type Line =
  | { s: number; cursor: string; seq: number }
  | { s: number; done: number; at: string }
  | { s: number; from: number; to: number };

/** Returns a name for URLs that does not disclose them. */
export function urlHash(...urls: readonly (URL | string)[]): string {
  return createHash("sha256").update(urls.join("\n")).digest("hex").slice(0, 16);
}

/** Returns the default path of the state of a command for a gateway and backends or files, in any order. */
export function defaultPath(command: string, gateway: URL, others: readonly URL[]): string {
  const { XDG_STATE_HOME } = process.env;
  // The XDG specification ignores relative paths.
  const home = XDG_STATE_HOME?.startsWith("/") ? XDG_STATE_HOME : join(homedir(), ".local/state");
  const places = [...new Set(others.map(String))].sort();
  return join(home, "vtryon-webhooks", `${command}-${urlHash(gateway, ...places)}.jsonl`);
}

/**
 * The state of a command: a journal file with one line for each step. A line is written before the next step, so
 * nothing is lost when the process is killed.
 */
export class StateFile {
  readonly #path: string;
  readonly #gateway: string;
  readonly #unlock: () => void;
  readonly #positions: Map<number, ShardPosition> = new Map();
  #file = -1;
  #bytes = 0;
  /** The time at which shards without a position begin; null for now. */
  #since: string | null = null;

  /** Opens the file, or creates it. With `since`, its content is discarded. */
  constructor(path: string, gateway: URL, since: string | undefined) {
    this.#path = path;
    this.#gateway = urlHash(gateway);
    const unlock = this.#orUsageError(() => {
      makeFolder(dirname(path));
      return lock(`${path}.lock`);
    });
    if (typeof unlock === "number") {
      throw new UsageError(
        `process ${unlock} uses this state already`,
        "end it, or give this one a state of its own with --state <file>",
      );
    }
    this.#unlock = unlock;
    try {
      this.#load(since);
      this.#orUsageError(() => this.#compact());
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** The time at which shards without a position begin; null for now. */
  get since(): string | null {
    return this.#since;
  }

  cursor(shard: number): string | undefined {
    return this.#positions.get(shard)?.cursor;
  }

  /** Returns whether an event was forwarded to a backend. */
  isDone(shard: number, seq: number, at: string): boolean {
    return this.#positions.get(shard)?.ahead.get(seq)?.has(at) ?? false;
  }

  /** Records that an event was forwarded to a backend. */
  done(shard: number, seq: number, at: string): void {
    this.#append({ s: shard, done: seq, at });
  }

  /** Records that everything up to `cursor` was forwarded; `seq` is the last event in it, if there is one. */
  advance(shard: number, cursor: string, seq: number | null): void {
    const last = Math.max(seq ?? 0, this.#position(shard).seq);
    this.#append({ s: shard, cursor, seq: last });
  }

  /** Records that the events with these numbers are lost, or that the numbers will be reused. */
  gap(shard: number, from: number, to: number): void {
    this.#append({ s: shard, from, to });
  }

  /** Closes the file and releases the lock. */
  close(): void {
    this.#closeFile();
    this.#unlock();
  }

  #load(begin: string | undefined): void {
    if (begin !== undefined) this.#since = begin;
    const lines = this.#orUsageError(() => readPrivate(this.#path) ?? "").split("\n");
    const [head = "", ...rest] = lines;
    if (head === "") return;
    const { gateway, since } = parse<{ gateway?: string; since?: string | null }>(head) ?? {};
    if (gateway !== this.#gateway) {
      const whose = gateway === undefined ? "is no state of this command" : "is of another gateway";
      throw new UsageError(`the state's file ${whose}`, "name another file with --state <file>");
    }
    if (begin !== undefined) return;
    this.#since = since ?? null;
    for (const text of rest) {
      // The last line may be incomplete after a power failure.
      const line = parse<Line>(text);
      if (typeof line?.s === "number") this.#apply(line);
    }
  }

  #apply(line: Line): void {
    const position = this.#position(line.s);
    const { ahead } = position;
    if ("at" in line) {
      ahead.set(line.done, (ahead.get(line.done) ?? new Set()).add(line.at));
      return;
    }
    // After a gap that begins before the position, the numbers belong to other events.
    const isReset = "from" in line && line.from <= position.seq;
    const last = "from" in line ? line.to : line.seq;
    for (const seq of ahead.keys()) if (isReset || seq <= last) ahead.delete(seq);
    if (isReset) position.seq = 0;
    if ("cursor" in line) Object.assign(position, { cursor: line.cursor, seq: line.seq });
  }

  #position(shard: number): ShardPosition {
    const position = this.#positions.get(shard) ?? { seq: 0, ahead: new Map() };
    this.#positions.set(shard, position);
    return position;
  }

  #append(line: Line): void {
    this.#apply(line);
    const text = `${JSON.stringify(line)}\n`;
    try {
      // Not `writeSync`: on a disk that gets full, it writes a part of the text and does not throw.
      writeFileSync(this.#file, text);
      this.#bytes += Buffer.byteLength(text);
      if (this.#bytes > MAX_BYTES) this.#compact();
    } catch (error) {
      const { message, hint } = this.#usageError(error);
      throw new Failure(message, hint);
    }
  }

  /** Compacts the file: writes a new one and renames it. */
  #compact(): void {
    const head = { gateway: this.#gateway, since: this.#since };
    const lines: object[] = [head];
    for (const [s, { cursor, seq, ahead }] of this.#positions) {
      if (cursor !== undefined) lines.push({ s, cursor, seq });
      for (const [done, places] of ahead) for (const at of places) lines.push({ s, done, at });
    }
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const file = createPrivate(`${this.#path}.new`);
    writeFileSync(file, text);
    fsyncSync(file);
    // Before the renaming: Windows replaces no file that is open.
    this.#closeFile();
    renameSync(`${this.#path}.new`, this.#path);
    this.#file = file;
    this.#bytes = 0;
  }

  #closeFile(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }

  #orUsageError<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#usageError(error);
    }
  }

  #usageError(error: unknown): UsageError {
    const isUnsafe = error instanceof UnsafeFileError;
    const why = isUnsafe ? error.message : (error as NodeJS.ErrnoException).code;
    const hint = (isUnsafe ? error.hint : undefined) ?? HINT;
    return new UsageError(`the state can't be kept in ${this.#path} (${why})`, hint);
  }
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
