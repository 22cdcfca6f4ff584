// Writes dist/: the sources file by file as ES modules and as CommonJS, their types, and the core: in base64 for
// runtimes that compile it at the first call, and as a module for workerd and Next.js' edge runtime.

import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = at("../target/npm/");
const modules = at("../node_modules");
const write = (path, text) => writeFileSync(at(`dist/${path}`), text);

rmSync(at("dist"), { recursive: true, force: true });
mkdirSync(at("dist/wasm"), { recursive: true });

const forEveryRuntime = {
  platform: "neutral",
  target: "es2022",
  minifySyntax: true,
  minifyWhitespace: true,
};
for (const format of ["esm", "cjs"]) {
  const sources = globSync(at("lib/**/*.ts")).filter((path) => !/\.d\.ts$|\/cli\//.test(path));
  await build({
    ...forEveryRuntime,
    entryPoints: sources,
    outbase: at("lib"),
    outdir: at(`dist/${format}`),
    format,
  });
}
// The testing kit's hashes come from a library. It is bundled, so that the package has no dependencies.
for (const format of ["esm", "cjs"]) {
  await build({
    ...forEveryRuntime,
    entryPoints: [at("lib/testing/hostile/hashes.ts")],
    outfile: at(`dist/${format}/testing/hostile/hashes.js`),
    format,
    bundle: true,
    banner: { js: `/*! ${licenceOf("@noble/hashes")}*/` },
  });
}
// CommonJS gets the core by a path: below dist/cjs/package.json, `#wasm` is not resolved.
await build({
  ...forEveryRuntime,
  entryPoints: [at("lib/core/engine.ts")],
  outfile: at("dist/cjs/core/engine.js"),
  format: "cjs",
  bundle: true,
  alias: { "#wasm": "../wasm.js" },
  external: ["./*", "../*"],
});

// wasm-bindgen generates a module, which holds the state of one instance of the core. Within a function it becomes a
// factory: each call makes the glue of a new instance.
const glue = await build({
  entryPoints: [`${built}engine_bg.js`],
  format: "iife",
  globalName: "glue",
  target: "es2022",
  minify: true,
  write: false,
});
const makeGlue = `({ TextDecoder, TextEncoder }) => {\n${glue.outputFiles[0].text}return { ...glue };\n};\n`;
write("esm/core/glue.js", `export const makeGlue = ${makeGlue}`);
write("cjs/core/glue.js", `exports.makeGlue = ${makeGlue}`);

// The command is one file with its libraries, so that the package has no dependencies. Of ws it has the client only:
// not the compression, which is never negotiated, not the browser's event API, and not the optional native modules.
const cli = await build({
  entryPoints: [at("lib/cli/main.ts")],
  outfile: at("dist/cli.cjs"),
  write: false,
  metafile: true,
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  external: ["vtryon-webhooks"],
  alias: { ws: `${modules}/ws/lib/websocket.js` },
  define: { "process.env.WS_NO_BUFFER_UTIL": "1", "process.env.WS_NO_UTF_8_VALIDATE": "1" },
  plugins: [
    {
      name: "ws without unused parts",
      setup({ onLoad }) {
        const unused = /[\\/]ws[\\/]lib[\\/](permessage-deflate|extension|event-target)\.js$/;
        onLoad({ filter: unused }, () => ({ contents: "exports.EventTarget = {};" }));
      },
    },
  ],
  minify: true,
});
const inputs = Object.keys(cli.metafile.inputs);
const used = inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
const licences = [...new Set(used)].sort().map(licenceOf);
write("cli.cjs", `/*! ${licences.join("\n")}*/\n${cli.outputFiles[0].text}`);

const wasm = readFileSync(`${built}engine_bg.wasm`);
write("wasm/core.wasm", wasm);
write("wasm/workerd.js", 'export { default } from "./core.wasm";\n');
write("wasm/edge-light.js", 'export { default } from "./core.wasm?module";\n');
write("cjs/wasm.js", `module.exports = "${wasm.toString("base64")}";\n`);
write("cjs/package.json", '{ "type": "commonjs" }\n');

execFileSync(at("../node_modules/.bin/tsc"), ["-p", at("tsconfig.json")], { stdio: "inherit" });
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8"));
const needed = typesFrom(Object.values(manifest.exports).map((entry) => entry.import?.types));
for (const path of globSync(at("dist/esm/**/*.d.ts"))) if (!needed.has(path)) rmSync(path);
rmSync(at("dist/esm/cli"), { recursive: true, force: true });
cpSync(at("dist/esm"), at("dist/cjs"), {
  recursive: true,
  filter: (path) => !path.endsWith(".js"),
});

/** Returns the name and the licence text of a bundled library, which has to be included. */
function licenceOf(name) {
  const [file] = globSync(`${modules}/${name}/{LICENSE,license}*`);
  if (file !== undefined) return `${name}: ${readFileSync(file, "utf8")}`;
  // A library without a licence file names it in its manifest.
  const { license, author } = JSON.parse(readFileSync(`${modules}/${name}/package.json`, "utf8"));
  return `${name}: ${license}, ${author?.name ?? author}`;
}

/** Returns the paths of these type declarations and of all that they import. */
function typesFrom(entries) {
  const found = new Set();
  const follow = (path) => {
    if (found.has(path)) return;
    found.add(path);
    const imports = readFileSync(path, "utf8").matchAll(/from "(\.[^"]+)\.js"/g);
    for (const [, name] of imports) follow(join(dirname(path), `${name}.d.ts`));
  };
  for (const entry of entries.filter(Boolean)) follow(at(entry));
  return found;
}
