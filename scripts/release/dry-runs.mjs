// What the clients of the three registries say, short of publishing.

import { readdirSync } from "node:fs";
import path from "node:path";
import { buildPython, PYTHON, ROOT, run } from "./tools.mjs";

export function checkDryRuns({ scratch }) {
  buildPython(scratch);
  const npm = ["publish", "--dry-run", "--ignore-scripts"];
  // --allow-dirty: the check of the tree has a line of its own.
  const cargo = [
    "publish",
    "--dry-run",
    "--locked",
    "--allow-dirty",
    "--package",
    "vtryon-webhooks",
  ];
  const built = readdirSync(scratch).filter((file) => /\.(whl|tar\.gz)$/.test(file));
  const twine = [
    "-m",
    "twine",
    "check",
    "--strict",
    ...built.map((file) => path.join(scratch, file)),
  ];
  return [
    () => run("npm", npm, path.join(ROOT, "node-binding")),
    () => run("npm", npm, path.join(ROOT, "edge-worker/npm")),
    () => run("cargo", cargo, ROOT),
    () => run(PYTHON, twine, ROOT),
  ].flatMap((publish) => {
    try {
      publish();
      return [];
    } catch (error) {
      return [error.message];
    }
  });
}
