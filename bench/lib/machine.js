// What the figures were measured on.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";

const require = createRequire(import.meta.url);

/** Returns the version of an installed package, read beside what it exports. */
export function versionOf(name) {
  const paths = require.resolve.paths(name).map((folder) => `${folder}/${name}/package.json`);
  for (const path of paths) {
    try {
      return JSON.parse(readFileSync(path, "utf8")).version;
    } catch {
      // In the next folder.
    }
  }
  return undefined;
}

/** The date of a measurement. */
export const today = () => new Date().toISOString().slice(0, 10);

export function machine() {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  return {
    processor: os.cpus()[0].model.trim(),
    cores: os.cpus().length,
    "SHA instructions": / sha_ni\b| sha2\b/.test(flags) ? "yes" : "no",
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    kernel: `${os.type()} ${os.release().split("-")[0]}`,
    Node: process.versions.node,
    OpenSSL: process.versions.openssl,
    workerd: versionOf("workerd"),
    rustc: execFileSync("rustc", ["--version"], { encoding: "utf8" }).split(" ")[1],
  };
}
