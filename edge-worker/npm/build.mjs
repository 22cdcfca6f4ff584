// Writes dist/: the Worker and the dashboard as scripts/build-worker and scripts/build-dashboard have built them, and
// the files that `init` writes, from deploy/.

import { cpSync, globSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const dist = join(here, "dist");

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "worker"), { recursive: true });
for (const file of ["index.js", "index_bg.wasm"]) {
  cpSync(join(here, "../build", file), join(dist, "worker", file));
}
cpSync(join(here, "../build-dashboard"), join(dist, "dashboard"), { recursive: true });

const template = join(here, "../../deploy");
for (const file of globSync("{*,.*}", {
  cwd: template,
  exclude: ["node_modules", ".vtryon-gateway"],
})) {
  cpSync(join(template, file), join(dist, "template", file), { recursive: true });
}
// npm would take it for a list of files to leave out of the package.
renameSync(join(dist, "template/.gitignore"), join(dist, "template/gitignore"));
