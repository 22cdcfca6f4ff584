// The files of `listen`: other users can neither read nor replace them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs, {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { source } from "../../support/load-source.js";

const { lock } = await source("state/lock");
const { StateFile } = await source("state/state-file");
const GATEWAY = new URL("https://gateway.example");
const ELSEWHERE = '{"name":"shop"}\n';
const isRoot = process.geteuid?.() === 0;
/** A user that is not this one. */
const OTHER = 54_321;

/** A folder with a file that nothing may happen to. */
function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), "vtryon-files-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "elsewhere"), ELSEWHERE);
  return folder;
}

const bits = (path) => statSync(path).mode & 0o7777;

test("the folder and the file are created for the user alone", (t) => {
  const folder = folderOf(t);
  const path = join(folder, "a/b/state.jsonl");
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const state = new StateFile(path, GATEWAY, undefined);
  state.advance(0, "1.1.0_1", 1);
  assert.deepEqual(
    [join(folder, "a"), join(folder, "a/b"), path, `${path}.lock`].map(bits),
    [0o700, 0o700, 0o600, 0o600],
  );
  state.close();
});

// What somebody has put there before the command runs, and what it says.
for (const [name, put, message, { hint, needsRoot = false } = {}] of [
  [
    "the file is a link",
    ({ path, elsewhere }) => symlinkSync(elsewhere, path),
    /state\.jsonl is a symbolic link/,
  ],
  [
    "the file is a link to what is not there",
    ({ path, folder }) => symlinkSync(join(folder, "nothing"), path),
    /state\.jsonl is a symbolic link/,
  ],
  [
    "the lock is a link",
    ({ path, elsewhere }) => symlinkSync(elsewhere, `${path}.lock`),
    /\.lock is a symbolic link/,
  ],
  ["the file is a pipe", ({ path }) => execFileSync("mkfifo", [path]), /state\.jsonl is no file/],
  ["the file is a folder", ({ path }) => mkdirSync(path), /state\.jsonl is no file/],
  [
    "others can write to the file",
    ({ path }) => {
      writeFileSync(path, "");
      chmodSync(path, 0o666);
    },
    /others can write to \S+state\.jsonl/,
    {
      hint: /^change that by `chmod go-w \S+state\.jsonl`, or name a file in a folder of your own/,
    },
  ],
  [
    "the group can write to the folder",
    ({ folder }) => chmodSync(folder, 0o770),
    /others can write to the folder/,
    { hint: /^change that by `chmod go-w \S+`, or name a file in a folder of your own/ },
  ],
  [
    "others can write to the folder",
    ({ folder }) => chmodSync(folder, 0o777),
    /others can write to the folder/,
    { hint: /^change that by `chmod go-w \S+`, or name a file in a folder of your own/ },
  ],
  [
    "the file is another user's",
    ({ path }) => {
      writeFileSync(path, "");
      chownSync(path, OTHER, OTHER);
    },
    /state\.jsonl belongs to another user/,
    { needsRoot: true },
  ],
  [
    "the lock is another user's",
    ({ path }) => {
      writeFileSync(`${path}.lock`, "1 1\n");
      chownSync(`${path}.lock`, OTHER, OTHER);
    },
    /\.lock belongs to another user/,
    { needsRoot: true },
  ],
  [
    "the folder is another user's",
    ({ folder }) => chownSync(folder, OTHER, OTHER),
    /the folder \S+ belongs to another user/,
    { needsRoot: true },
  ],
]) {
  test(`refused: ${name}`, { skip: needsRoot && !isRoot }, (t) => {
    const folder = folderOf(t);
    const [path, elsewhere] = [join(folder, "state.jsonl"), join(folder, "elsewhere")];
    put({ folder, path, elsewhere });
    assert.throws(() => new StateFile(path, GATEWAY, undefined), {
      message,
      ...(hint && { hint }),
    });
    assert.throws(() => new StateFile(path, GATEWAY, "2026-07-01T12:00:00.000Z"), { message });
    assert.equal(readFileSync(elsewhere, "utf8"), ELSEWHERE);
    assert.equal(existsSync(join(folder, "nothing")), false);
  });
}

for (const [name, put] of [
  ["a link", ({ planted, elsewhere }) => symlinkSync(elsewhere, planted)],
  ["another name of a file", ({ planted, elsewhere }) => linkSync(elsewhere, planted)],
  ["what a killed process has left", ({ planted }) => writeFileSync(planted, "half")],
]) {
  for (const suffix of [".new", `.lock.${process.pid}`]) {
    test(`${name} under the name ${suffix.replace(/\d+/, "PID")} is replaced, and nothing is written through it`, (t) => {
      const folder = folderOf(t);
      const [path, elsewhere] = [join(folder, "state.jsonl"), join(folder, "elsewhere")];
      put({ planted: path + suffix, elsewhere });
      const state = new StateFile(path, GATEWAY, undefined);
      state.advance(0, "1.1.0_1", 1);
      state.close();
      assert.equal(readFileSync(elsewhere, "utf8"), ELSEWHERE);
      assert.ok(lstatSync(path).isFile());
      assert.equal(bits(path), 0o600);
      assert.equal(new StateFile(path, GATEWAY, undefined).cursor(0), "1.1.0_1");
    });
  }
}

test("without file owners, as on Windows, mode bits are ignored", (t) => {
  const folder = folderOf(t);
  chmodSync(folder, 0o777);
  const { geteuid } = process;
  t.after(() => {
    process.geteuid = geteuid;
  });
  process.geteuid = undefined;
  const state = new StateFile(join(folder, "state.jsonl"), GATEWAY, undefined);
  state.close();
});

for (const [who, mode] of [
  ["anybody", 0o1777],
  ["the group", 0o1770],
]) {
  test(`a sticky folder to which ${who} can write is accepted`, (t) => {
    const folder = folderOf(t);
    chmodSync(folder, mode);
    const state = new StateFile(join(folder, "state.jsonl"), GATEWAY, undefined);
    state.close();
  });
}

/** What `ps` says of the start of this process, what a lock has of it, and whether the lock is held. */
const HOLDERS = [
  ["echo 'Mon Nov 30  11:34:32 2026'", "Mon_Nov_30_11:34:32_2026", true],
  ["echo 'Mon Nov 30  11:34:32 2026'", "Mon_Nov_30_11:34:31_2026", false],
  ["echo 'Mon Nov 30  11:34:32 2026'", "-", true],
  ["exit 1", "Mon_Nov_30_11:34:32_2026", true],
];
for (const [ps, started, isHeld] of HOLDERS) {
  test(`without /proc, a lock of ${started} is ${isHeld ? "held" : "stale"}: ${ps}`, (t) => {
    const folder = folderOf(t);
    const path = join(folder, "lock");
    writeFileSync(join(folder, "ps"), `#!/bin/sh\n[ "$TZ $LC_ALL" = "UTC C" ] && ${ps}\n`, {
      mode: 0o700,
    });
    const { PATH } = process.env;
    t.after(() => {
      process.env.PATH = PATH;
    });
    process.env.PATH = folder;
    const { readFileSync } = fs;
    t.mock.method(fs, "readFileSync", (path, ...rest) => {
      if (String(path).startsWith("/proc/")) throw new Error("ENOENT");
      return readFileSync(path, ...rest);
    });
    writeFileSync(path, `${process.pid} ${started}\n`, { mode: 0o600 });
    const unlock = lock(path);
    if (isHeld) return assert.equal(unlock, process.pid);
    assert.equal(lock(path), process.pid, "by the next one");
    unlock();
    assert.equal(existsSync(path), false);
  });
}

test("a lock is taken once on a file system without hard links", (t) => {
  const path = join(folderOf(t), "lock");
  t.mock.method(fs, "linkSync", () => {
    throw Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM" });
  });
  const unlock = lock(path);
  assert.equal(lock(path), process.pid);
  unlock();
  assert.equal(typeof lock(path), "function");
});
