import { createHash } from "node:crypto";
import { closeSync, fsyncSync, renameSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Failure, UsageError } from "../../common/errors.js";
import { lock } from "./lock.js";
import { createOwn, makeFolder, readOwn, UnsafeFileError } from "./private-file.js";

/** How long the journal grows before it is written anew. */
const MAX_BYTES = 1024 * 1024;

const HINT =
  "see whether the path is right and yours to write, or name another with --state <file>";

/** What is remembered of a shard. */
interface Place {
  /** Everything up to here is done. */
  cursor?: string;
  /** The last event in that. */
  seq: number;
  /** Events beyond it that are done already, and where. */
  readonly ahead: Map<number, Set<string>>;
}

/** A line of the journal after the first: `s` is the shard. */
type Line =
  | { s: number; cursor: string; seq: number }
  | { s: number; done: number; at: string }
  | { s: number; from: number; to: number };

/** A name for a URL that tells nothing of what is in it. */
export function nameOf(...urls: readonly (URL | string)[]): string {
  return createHash("sha256").update(urls.join("\n")).digest("hex").slice(0, 16);
}

/** Where the state of these is kept, in whatever order they are named. */
export function defaultPath(gateway: URL, forwards: readonly URL[]): string {
  const { XDG_STATE_HOME } = process.env;
  // As the specification of these folders has it, one that is not absolute does not count.
  const home = XDG_STATE_HOME?.startsWith("/") ? XDG_STATE_HOME : join(homedir(), ".local/state");
  const places = [...new Set(forwards.map(String))].sort();
  return join(home, "vtryon-webhooks", `listen-${nameOf(gateway, ...places)}.jsonl`);
}

/**
 * What was forwarded, in a file: a journal, a line for each step. A line is written before the next step is
 * taken, so a process that is killed has forgotten nothing.
 */
export class StateFile {
  readonly #path: string;
  readonly #gateway: string;
  readonly #unlock: () => void;
  readonly #places: Map<number, Place> = new Map();
  #file = -1;
  #bytes = 0;
  /** Where shards begin that were never heard of; null for now. */
  #since: string | null = null;

  /** Opens a file, which is made where it is missing; with `since`, what it remembers is forgotten. */
  constructor(path: string, gateway: URL, since: string | undefined) {
    this.#path = path;
    this.#gateway = nameOf(gateway);
    const unlock = this.#tried(() => {
      makeFolder(dirname(path));
      return lock(`${path}.lock`);
    });
    if (typeof unlock === "number") {
      throw new UsageError(
        `process ${unlock} listens with this state already`,
        "end it, or give this one a state of its own with --state <file>",
      );
    }
    this.#unlock = unlock;
    try {
      this.#load(since);
      this.#tried(() => this.#rewrite());
    } catch (fault) {
      unlock();
      throw fault;
    }
  }

  /** Where shards begin that were never heard of; null for now. */
  get since(): string | null {
    return this.#since;
  }

  cursor(shard: number): string | undefined {
    return this.#places.get(shard)?.cursor;
  }

  /** Tells whether an event was forwarded to a place. */
  isDone(shard: number, seq: number, at: string): boolean {
    return this.#places.get(shard)?.ahead.get(seq)?.has(at) ?? false;
  }

  /** Notes that an event was forwarded to a place. */
  done(shard: number, seq: number, at: string): void {
    this.#note({ s: shard, done: seq, at });
  }

  /** Notes that everything is done up to here; `seq` is the last event in it, if there is one. */
  passed(shard: number, cursor: string, seq: number | null): void {
    const last = Math.max(seq ?? 0, this.#place(shard).seq);
    this.#note({ s: shard, cursor, seq: last });
  }

  /** Notes that the events under these numbers will never come, or others under the same. */
  gap(shard: number, from: number, to: number): void {
    this.#note({ s: shard, from, to });
  }

  /** Gives the file back. */
  close(): void {
    closeSync(this.#file);
    this.#unlock();
  }

  #load(begin: string | undefined): void {
    if (begin !== undefined) this.#since = begin;
    const lines = this.#tried(() => readOwn(this.#path) ?? "").split("\n");
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
      // The last one may be torn, where the machine lost power.
      const line = parse<Line>(text);
      if (typeof line?.s === "number") this.#apply(line);
    }
  }

  #apply(line: Line): void {
    const place = this.#place(line.s);
    const { ahead } = place;
    if ("at" in line) {
      ahead.set(line.done, (ahead.get(line.done) ?? new Set()).add(line.at));
      return;
    }
    // After a gap that begins before what is known, the numbers are given to other events.
    const isReset = "from" in line && line.from <= place.seq;
    const last = "from" in line ? line.to : line.seq;
    for (const seq of ahead.keys()) if (isReset || seq <= last) ahead.delete(seq);
    if (isReset) place.seq = 0;
    if ("cursor" in line) Object.assign(place, { cursor: line.cursor, seq: line.seq });
  }

  #place(shard: number): Place {
    const place = this.#places.get(shard) ?? { seq: 0, ahead: new Map() };
    this.#places.set(shard, place);
    return place;
  }

  #note(line: Line): void {
    this.#apply(line);
    const text = `${JSON.stringify(line)}\n`;
    try {
      this.#bytes += writeSync(this.#file, text);
      if (this.#bytes > MAX_BYTES) this.#rewrite();
    } catch (fault) {
      const { message, hint } = this.#unusable(fault);
      throw new Failure(message, hint);
    }
  }

  /** Writes the file anew, aside, and puts it in its place. */
  #rewrite(): void {
    const head = { gateway: this.#gateway, since: this.#since };
    const lines: object[] = [head];
    for (const [s, { cursor, seq, ahead }] of this.#places) {
      if (cursor !== undefined) lines.push({ s, cursor, seq });
      for (const [done, places] of ahead) for (const at of places) lines.push({ s, done, at });
    }
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const file = createOwn(`${this.#path}.new`);
    writeSync(file, text);
    fsyncSync(file);
    renameSync(`${this.#path}.new`, this.#path);
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = file;
    this.#bytes = 0;
  }

  #tried<T>(work: () => T): T {
    try {
      return work();
    } catch (fault) {
      throw this.#unusable(fault);
    }
  }

  #unusable(fault: unknown): UsageError {
    const isUnsafe = fault instanceof UnsafeFileError;
    const why = isUnsafe ? fault.message : (fault as NodeJS.ErrnoException).code;
    return new UsageError(`the state can't be kept in ${this.#path} (${why})`, HINT);
  }
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
