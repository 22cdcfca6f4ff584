// The file `lock` in the folder of the state says which processes work on the state there: the
// supervisor, what started it, and all of its children. They outlive a
// supervisor that is killed with -9; the next one finds them here. `node-binding/lib/cli/state/lock.ts` has the same rules
// for the state of `listen`, and the packages cannot import each other: a fault in one is probably in the other too.
import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { end, family, identity, processes, runs } from "./processes.js";

/**
 * @typedef {import("./processes.js").Identity} Identity
 * @typedef {{ supervisor: Identity, owner?: Identity, children: Identity[] }} Content
 */

/**
 * Takes the lock of `file`, after it has ended what a dead predecessor left.
 * @param {string} file
 * @param {boolean} followParent whether the supervisor's parent owns it: a
 *   supervisor whose owner is dead counts as dead and is ended as well
 * @returns {Promise<Lock>}
 * @throws when a living supervisor holds it
 */
export async function take(file, followParent) {
  for (;;) {
    const text = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    if (text !== undefined) {
      await endPredecessor(parse(text, file));
      removeStale(file, text);
    }
    try {
      return new Lock(file, followParent);
    } catch (error) {
      // Another one took it in this moment.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    }
  }
}

/**
 * Ends what a dead supervisor left.
 * @param {Content} left
 * @throws when it lives
 */
async function endPredecessor(left) {
  const owned = !left.owner || runs(left.owner);
  if (owned && runs(left.supervisor)) {
    const { pid } = left.supervisor;
    const remedy = `stop it with \`kill ${pid}\`, or set another STATE_DIR and PORT`;
    throw new Error(`already running as process ${pid} on the same state: ${remedy}`);
  }
  const survivors = family([left.supervisor, ...left.children]);
  if (survivors.length === 0) return;
  const pids = survivors.map(({ pid }) => pid).join(", ");
  console.error(`ending what a killed predecessor left: processes ${pids}`);
  await end(survivors);
}

/**
 * Removes a lock that was read as `text`, unless another supervisor has taken it since.
 * @param {string} file
 * @param {string} text
 */
function removeStale(file, text) {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return;
    throw error;
  }
  if (readFileSync(aside, "utf8") !== text) create(aside, file);
  rmSync(aside);
}

/**
 * Creates a file with the content of another one: atomically, where the file system has hard links.
 * @param {string} from
 * @param {string} file
 */
function create(from, file) {
  try {
    linkSync(from, file);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") throw error;
    copyFileSync(from, file, constants.COPYFILE_EXCL);
  }
}

/**
 * @param {string} text
 * @param {string} file
 * @returns {Content}
 */
function parse(text, file) {
  /** @type {any} */
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    // Reported below.
  }
  const { supervisor, owner, children } = content ?? {};
  const isWhole = Array.isArray(children) && [supervisor, ...children].every(isIdentity);
  if (isWhole && (owner === undefined || isIdentity(owner))) return content;
  // This program can't have left it so: it writes a new file and renames it.
  throw new Error(`${file} is damaged: end the processes by hand and remove it`);
}

/** @param {any} one */
const isIdentity = (one) => Number.isInteger(one?.pid) && typeof one.start === "string";

class Lock {
  #file;
  /** @type {Content} */
  #content;

  /**
   * @param {string} file
   * @param {boolean} followParent
   */
  constructor(file, followParent) {
    const table = processes();
    const supervisor = table.get(process.pid);
    if (!supervisor) throw new Error("this process is not in the list of processes");
    const owner = followParent ? table.get(process.ppid) : undefined;
    this.#file = file;
    this.#content = {
      supervisor: identity(supervisor),
      owner: owner && identity(owner),
      children: [],
    };
    // Fails if another one took it in this moment.
    const whole = `${file}.${process.pid}`;
    try {
      writeFileSync(whole, this.#text(), { mode: 0o600 });
      create(whole, file);
    } finally {
      rmSync(whole, { force: true });
    }
  }

  /** Whether what started the supervisor has gone without ending it. */
  get orphaned() {
    const { owner } = this.#content;
    return owner !== undefined && !runs(owner);
  }

  get children() {
    return this.#content.children;
  }

  /** Looks which children there are now, and writes them down. */
  update() {
    const table = processes();
    const { supervisor, children } = this.#content;
    // Those that are written down stay so while they run, also as orphans.
    const found = family([supervisor, ...children], table).filter(({ pid }) => pid !== process.pid);
    const before = this.#text();
    this.#content.children = found.map(identity);
    if (this.#text() === before) return;
    writeFileSync(`${this.#file}.new`, this.#text(), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** Ends all children, also where they can't be written down any more, as on a full disk; then releases the lock. */
  async endChildren() {
    try {
      this.update();
    } catch (error) {
      console.error(
        `error: ${this.#file} is not up to date: ${/** @type {Error} */ (error).message}`,
      );
    }
    await end(this.children);
    rmSync(this.#file, { force: true });
  }

  #text() {
    return `${JSON.stringify(this.#content, null, 2)}\n`;
  }
}
