// Opens files that belong to the user, safely against other users: in a folder that they can write to, their symbolic
// link would make this command read or overwrite the file that it points to.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";

/** A file or a folder that another user may have created, or can change. */
export class UnsafeFileError extends Error {
  /** What the user can do about it, if that is known. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

// Windows has neither; there, the permissions of the folder count.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NO_BLOCK = constants.O_NONBLOCK ?? 0;

/** The mode bit of a folder in which only the owner of a file can remove it. */
const STICKY = 0o1000;

/** Creates a folder if it is missing, for its owner alone. Throws {@link UnsafeFileError}. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // Both a link and its target have to belong to the user.
  for (const stats of [lstatSync(path), statSync(path)]) {
    if (!isOwned(stats, 0)) throw new UnsafeFileError(`the folder ${path} belongs to another user`);
  }
  const { mode } = statSync(path);
  // In a sticky folder such as /tmp, other users can add files, but not replace those of this user.
  if (isWritableByOthers(mode) && (mode & STICKY) === 0) {
    throw writableByOthers("the folder ", path);
  }
}

/** Reads a file; returns undefined if there is none. Throws {@link UnsafeFileError}. */
export function readPrivate(path: string): string | undefined {
  let file: number;
  try {
    // Non-blocking: opening a pipe without a writer would never return.
    file = openSync(path, constants.O_RDONLY | NO_FOLLOW | NO_BLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw new UnsafeFileError(`${path} is a symbolic link`);
    throw error;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new UnsafeFileError(`${path} is no file`);
    if (!isOwned(stats)) throw new UnsafeFileError(`${path} belongs to another user`);
    if (isWritableByOthers(stats.mode)) {
      throw writableByOthers("", path);
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

/** Creates a new file, for its owner alone. Removes an earlier one first. */
export function createPrivate(path: string): number {
  rmSync(path, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
  return openSync(path, flags, 0o600);
}

/** Returns whether the group or everybody can write. Windows has no such bits and shows all as set. */
function isWritableByOthers(mode: number): boolean {
  return process.geteuid !== undefined && (mode & 0o022) !== 0;
}

function writableByOthers(what: string, path: string): UnsafeFileError {
  return new UnsafeFileError(
    `others can write to ${what}${path}`,
    `change that by \`chmod go-w ${path}\`, or name a file in a folder of your own with --state <file>`,
  );
}

/** Returns whether something belongs to the user of this process, or to `other`. */
function isOwned({ uid }: Stats, other?: number): boolean {
  const user = process.geteuid?.();
  return user === undefined || uid === user || uid === other;
}
