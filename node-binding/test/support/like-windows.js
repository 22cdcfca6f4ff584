// Files as Windows has them, for tests on Linux: one that is open for appending can't be truncated, and one that is
// open can't be replaced.

import fs from "node:fs";

const refused = (call) =>
  Object.assign(new Error(`EPERM: operation not permitted, ${call}`), { code: "EPERM" });

/** Returns the flags that a file was opened with. */
const flagsOf = (file) =>
  Number.parseInt(
    /^flags:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${file}`, "utf8"))[1],
    8,
  );

/** Makes files so until the test has ended. */
export function likeWindows(t) {
  const { ftruncateSync, renameSync } = fs;
  t.mock.method(fs, "ftruncateSync", (file, length) => {
    if (flagsOf(file) & fs.constants.O_APPEND) throw refused("ftruncate");
    ftruncateSync(file, length);
  });
  t.mock.method(fs, "renameSync", (from, to) => {
    if (openFiles().includes(to)) throw refused("rename");
    renameSync(from, to);
  });
}

/** Returns the paths of the files that this process has open. */
function openFiles() {
  return fs.readdirSync("/proc/self/fd").flatMap((file) => {
    try {
      return [fs.readlinkSync(`/proc/self/fd/${file}`)];
    } catch {
      // What has listed them.
      return [];
    }
  });
}
