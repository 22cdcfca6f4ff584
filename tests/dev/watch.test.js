// While `make dev` runs, wrangler builds again what has changed: wrangler.toml names what it watches.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { readConfig } from "../../edge-worker/npm/lib/folder/config.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** Returns the folders of a crate of the workspace and of those that it is built from. */
function cratesOf(name) {
  const args = ["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"];
  const { packages } = JSON.parse(execFileSync("cargo", args, { cwd: ROOT, encoding: "utf8" }));
  const { dependencies, manifest_path: manifest } = packages.find((found) => found.name === name);
  const own = dependencies.filter(({ path, kind }) => path !== undefined && kind === null);
  return [path.dirname(manifest), ...own.flatMap(({ name }) => cratesOf(name))];
}

test("every source that the gateway is built from is watched", async () => {
  const { build } = await readConfig(path.join(ROOT, "wrangler.toml"));
  const sources = [
    ...cratesOf("vtryon-edge-worker").map((crate) => path.join(crate, "src")),
    path.join(ROOT, "edge-worker/entry.js"),
    path.join(ROOT, "edge-worker/dashboard"),
  ].map((source) => path.relative(ROOT, source));
  assert.deepEqual([...new Set(sources)].sort(), build.watch_dir.toSorted());
});
