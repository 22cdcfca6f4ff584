// Checks that modules of the Worker import downwards only: fails on an upward import and on a circle of layers.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const SOURCES = path.resolve(import.meta.dirname, "../edge-worker/src");

/** The layers from top to bottom. A module may import from its own folder and from lower layers. */
const LAYERS = [
  ["lib"],
  ["entry"],
  ["ingest", "api", "live", "objects"],
  ["delivery"],
  ["protocol"],
  ["config"],
  ["auth"],
  ["http"],
  ["platform"],
  ["json"],
  ["testing"],
];

const level = (module) => LAYERS.findIndex((layer) => layer.includes(module));

/** Returns the modules that a source imports from this crate, by the first part of their paths. */
function imports(source) {
  const code = source.replace(/\/\/.*$/gm, "");
  const single = [...code.matchAll(/\bcrate::(\w+)/g)].map(([, module]) => module);
  const grouped = [...code.matchAll(/\bcrate::\{([^;]*)\}/g)].flatMap(([, list]) =>
    list
      .replace(/\{[^{}]*\}/g, "")
      .split(",")
      .map((item) => /^\s*(\w+)/.exec(item)?.[1]),
  );
  return new Set([...single, ...grouped].filter((module) => /^[a-z]/.test(module ?? "")));
}

const faults = [];
for (const name of readdirSync(SOURCES, { recursive: true }).filter((name) =>
  name.endsWith(".rs"),
)) {
  const own = name.split(path.sep)[0].replace(/\.rs$/, "");
  if (level(own) < 0) faults.push(`${name}: \`${own}\` is in no layer`);
  for (const module of imports(readFileSync(path.join(SOURCES, name), "utf8"))) {
    if (module === own || own === "lib") continue;
    if (level(module) < 0) faults.push(`${name}: imports \`${module}\`, which is in no layer`);
    else if (level(module) <= level(own))
      faults.push(`${name}: imports \`${module}\`, which is not below \`${own}\``);
  }
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
