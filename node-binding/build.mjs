// Writes dist/: the sources file by file as ES modules and as CommonJS, their types, and the core once
// as text for all who compile it themselves and once as a module for workerd.

import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  });
}

// What wasm-bindgen generates is a module with one state; a function makes as many as are needed.
const glue = await build({
  entryPoints: [`${built}engine_bg.js`],
  format: "iife",
  globalName: "glue",
  target: "es2022",
  minifyWhitespace: true,
  write: false,
});
const makeGlue = `() => {\n${glue.outputFiles[0].text}return { ...glue };\n};\n`;
write("esm/glue.js", `export const makeGlue = ${makeGlue}`);
write("cjs/glue.js", `exports.makeGlue = ${makeGlue}`);

// The command is one file with the library that reads its arguments, so that the package depends on none.
await build({
  entryPoints: [at("lib/cli/main.ts")],
  outfile: at("dist/cli.cjs"),
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  external: ["vtryon-webhooks"],
  minify: true,
  banner: {
    js: `/*! commander: ${readFileSync(at("../node_modules/commander/LICENSE"), "utf8")}*/`,
  },
});

const wasm = readFileSync(`${built}engine.wasm`);
write("wasm/core.wasm", wasm);
write("wasm/workerd.js", 'export { default } from "./core.wasm";\n');
write("cjs/wasm.js", `module.exports = "${wasm.toString("base64")}";\n`);
write("cjs/package.json", '{ "type": "commonjs" }\n');
// A folder with a package.json of its own does not see the imports of the package.
const engine = readFileSync(at("dist/cjs/engine.js"), "utf8");
write("cjs/engine.js", engine.replace('require("#wasm")', 'require("./wasm.js")'));

execFileSync(at("../node_modules/.bin/tsc"), ["-p", at("tsconfig.json")], { stdio: "inherit" });
rmSync(at("dist/esm/cli"), { recursive: true, force: true });
cpSync(at("dist/esm"), at("dist/cjs"), {
  recursive: true,
  filter: (path) => !path.endsWith(".js"),
});
