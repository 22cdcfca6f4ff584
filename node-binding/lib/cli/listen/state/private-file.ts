// Files of the user's own, opened so that nobody can put another file in their place: in a folder that others write
// to, a symbolic link of theirs would have this command read or overwrite what it points to.

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

/** A file or a folder that somebody else could have made, or can change. */
export class UnsafeFileError extends Error {}

// Windows has neither: there, access is a matter of the folder.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NO_BLOCK = constants.O_NONBLOCK ?? 0;

/** The bit of a folder in which only the owner of a file can remove it. */
const STICKY = 0o1000;

/** Makes a folder where it is missing, for its owner alone. Throws {@link UnsafeFileError}. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // A link is as good as who made it.
  for (const stats of [lstatSync(path), statSync(path)]) {
    if (!isOwnOr(stats, 0)) throw new UnsafeFileError(`the folder ${path} belongs to another user`);
  }
  const { mode } = statSync(path);
  // In a folder such as /tmp, others can add files, but not replace those of this user.
  if (isWritableByOthers(mode) && (mode & STICKY) === 0) {
    throw new UnsafeFileError(`others can write to the folder ${path}`);
  }
}

/** Reads a file; undefined where there is none. Throws {@link UnsafeFileError}. */
export function readOwn(path: string): string | undefined {
  let file: number;
  try {
    // Without blocking: a pipe that nobody writes to would be waited for.
    file = openSync(path, constants.O_RDONLY | NO_FOLLOW | NO_BLOCK);
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw new UnsafeFileError(`${path} is a symbolic link`);
    throw fault;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new UnsafeFileError(`${path} is no file`);
    if (!isOwnOr(stats)) throw new UnsafeFileError(`${path} belongs to another user`);
    if (isWritableByOthers(stats.mode)) {
      throw new UnsafeFileError(`others can write to ${path}`);
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

/** Makes a file that was not there, for its owner alone; one that an earlier process has left is removed first. */
export function createOwn(path: string): number {
  rmSync(path, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
  return openSync(path, flags, 0o600);
}

/** Tells whether the group or everybody can write; Windows has no such bits, and shows all as set. */
function isWritableByOthers(mode: number): boolean {
  return process.geteuid !== undefined && (mode & 0o022) !== 0;
}

/** Tells whether something belongs to the user of this process, or to one more. */
function isOwnOr({ uid }: Stats, other?: number): boolean {
  const user = process.geteuid?.();
  return user === undefined || uid === user || uid === other;
}
