// Writes dist/: the sources file by file as ES modules and as CommonJS, their types, and the core once
// as base64 for all who compile it themselves and once as a module, for workerd and for Next.js' edge runtime.

import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = at("../target/npm/");
const write = (path, text) => writeFileSync(at(`dist/${path}`), text);

rmSync(at("dist"), { recursive: true, force: true });
mkdirSync(at("dist/wasm"), { recursive: true });

for (const format of ["esm", "cjs"]) {
  const sources = globSync(at("lib/**/*.ts")).filter((path) => !/\.d\.ts$|\/cli\//.test(path));
  await build({
    entryPoints: sources,
    outbase: at("lib"),
    outdir: at(`dist/${format}`),
    format,
    platform: "neutral",
    target: "es2022",
    minifySyntax: true,
    minifyWhitespace: true,
  });
}

// What wasm-bindgen generates is a module with one state; a function makes as many as are needed.
const glue = await build({
  entryPoints: [`${built}engine_bg.js`],
  format: "esm",
  target: "es2022",
  minify: true,
  write: false,
});
const returned = (_, names) => `return {${names.replace(/([^,]+) as ([^,]+)/g, "$2:$1")}};`;
const makeGlue = `({ TextDecoder, TextEncoder }) => {\n${glue.outputFiles[0].text.replace(/export\{(.*)\};/, returned)}};\n`;
write("esm/core/glue.js", `export const makeGlue = ${makeGlue}`);
write("cjs/core/glue.js", `exports.makeGlue = ${makeGlue}`);

// The command is one file with the libraries that it uses, so that the package depends on none. Of ws it takes
// the client, without compression, which is not asked for, without the ways of a browser, which are not used, and
// without the native modules that it looks for.
const modules = at("../node_modules");
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
      name: "what is used of ws",
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

const wasm = readFileSync(`${built}engine.wasm`);
write("wasm/core.wasm", wasm);
write("wasm/workerd.js", 'export { default } from "./core.wasm";\n');
write("wasm/edge-light.js", 'export { default } from "./core.wasm?module";\n');
write("cjs/wasm.js", `module.exports = "${wasm.toString("base64")}";\n`);
// A folder with a package.json of its own does not see the imports of the package.
write("cjs/package.json", '{ "type": "commonjs", "imports": { "#wasm": "./wasm.js" } }\n');

execFileSync(at("../node_modules/.bin/tsc"), ["-p", at("tsconfig.json")], { stdio: "inherit" });
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8"));
const needed = typesFrom(Object.values(manifest.exports).map((entry) => entry.import?.types));
for (const path of globSync(at("dist/esm/**/*.d.ts"))) if (!needed.has(path)) rmSync(path);
rmSync(at("dist/esm/cli"), { recursive: true, force: true });
cpSync(at("dist/esm"), at("dist/cjs"), {
  recursive: true,
  filter: (path) => !path.endsWith(".js"),
});

/** Returns the name of a library, and its licence, which has to go with it. */
function licenceOf(name) {
  const [file] = globSync(`${modules}/${name}/{LICENSE,license}*`);
  if (file !== undefined) return `${name}: ${readFileSync(file, "utf8")}`;
  // One without a file has it in its manifest.
  const { license, author } = JSON.parse(readFileSync(`${modules}/${name}/package.json`, "utf8"));
  return `${name}: ${license}, ${author?.name ?? author}`;
}

/** Returns the types of these entries, with all that they refer to. */
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
