// Writes dist/: the Worker and the dashboard as scripts/build-worker and scripts/build-dashboard have built them, and
// the files that `init` writes, from deploy/; and which version that Worker is.

import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { readConfig } from "./lib/folder/config.js";
import { generate, REQUIRED } from "./lib/secrets.js";

const here = import.meta.dirname;
const dist = join(here, "dist");

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "worker"), { recursive: true });
for (const file of ["index.js", "index_bg.wasm"]) {
  cpSync(join(here, "../build", file), join(dist, "worker", file));
}
cpSync(join(here, "../build-dashboard"), join(dist, "dashboard"), { recursive: true });

// By name: whoever has run the gateway in deploy/ has secrets there too.
for (const file of [
  ".dev.vars.example",
  ".gitignore",
  "README.md",
  "package.json",
  "wrangler.jsonc",
]) {
  cpSync(join(here, "../../deploy", file), join(dist, "template", file));
}
// npm would take it for a list of files to leave out of the package.
renameSync(join(dist, "template/.gitignore"), join(dist, "template/gitignore"));

writeFileSync(join(dist, "version.json"), `${JSON.stringify(await askVersion())}\n`);

/** Returns what the built Worker answers of itself: its version, and the schemas of what it stores. */
async function askVersion() {
  const config = await readConfig(join(dist, "template/wrangler.jsonc"));
  /** @type {{ name: string, class_name: string }[]} */
  const objects = config.durable_objects.bindings;
  const runtime = new Miniflare({
    modules: true,
    modulesRoot: join(dist, "worker"),
    scriptPath: join(dist, "worker/index.js"),
    modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    bindings: { ...config.vars, ...Object.fromEntries(REQUIRED.map((name) => [name, generate()])) },
    durableObjects: Object.fromEntries(
      objects.map(({ name, class_name: className }) => [name, { className, useSQLite: true }]),
    ),
    cf: false,
  });
  try {
    const answer = await runtime.dispatchFetch("http://gateway/healthz");
    if (!answer.ok) throw new Error(`the built Worker answers ${answer.status}`);
    const { version, schema } = /** @type {any} */ (await answer.json());
    return { version, schema };
  } finally {
    await runtime.dispose();
  }
}
