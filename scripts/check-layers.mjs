// Checks that modules of the Worker and of its engine import downwards only: fails on an upward import and on a circle
// of layers; and that the engine depends on no platform, and on nothing that is random.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** The crates with their layers from top to bottom. A module may import from its own folder and from lower layers. */
const CRATES = [
  {
    sources: "edge-worker/src",
    layers: [
      ["lib"],
      ["entry"],
      ["ingest", "api", "live", "objects"],
      ["delivery"],
      ["sealing"],
      ["config"],
      ["auth"],
      ["clients"],
      ["http"],
      ["platform", "log"],
      ["testing"],
    ],
  },
  {
    sources: "edge-worker/engine/src",
    layers: [
      ["lib"],
      ["shard", "directory"],
      ["deployment"],
      ["alarm", "protocol"],
      ["access", "sessions", "tickets"],
      ["keys"],
      ["meta", "sqlite"],
      ["database"],
      ["log"],
      ["json", "time", "excerpt", "variables"],
      ["error"],
    ],
  },
];

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

/** Returns what is wrong with the imports of a crate's modules. */
function check({ sources, layers }) {
  const folder = path.resolve(import.meta.dirname, "..", sources);
  const level = (module) => layers.findIndex((layer) => layer.includes(module));
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".rs"));
  return files.flatMap((name) => {
    const own = name.split(path.sep)[0].replace(/\.rs$/, "");
    if (level(own) < 0) return [`${sources}/${name}: \`${own}\` is in no layer`];
    const others = [...imports(readFileSync(path.join(folder, name), "utf8"))].filter(
      (module) => module !== own && own !== "lib",
    );
    return others
      .filter((module) => level(module) <= level(own))
      .map((module) => `${sources}/${name}: imports \`${module}\`, which is not below \`${own}\``);
  });
}

const ENGINE = "vtryon-gateway-engine";
const NOT_IN_ENGINE = ["worker", "js-sys", "web-sys", "wasm-bindgen", "getrandom", "rand"];

/** Returns the crates that the engine must not depend on, however far away, and does. */
function checkEngine() {
  const options = ["--edges", "normal", "--target", "all", "--prefix", "none", "--format", "{p}"];
  const tree = execFileSync("cargo", ["tree", "--quiet", "--package", ENGINE, ...options], {
    encoding: "utf8",
  });
  const names = new Set(tree.split("\n").map((line) => line.split(" ")[0]));
  return NOT_IN_ENGINE.filter((name) => names.has(name)).map(
    (name) => `${ENGINE} depends on \`${name}\``,
  );
}

const faults = [...CRATES.flatMap(check), ...checkEngine()];
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
