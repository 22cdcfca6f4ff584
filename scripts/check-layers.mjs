// Checks the imports of the Rust crates: modules of the Worker and of its engine import downwards only, no modules of any
// crate import each other in a circle, and the engine depends on no platform, and on nothing that is random.

import { execFileSync } from "node:child_process";
import path from "node:path";
import { circles, moduleGraph } from "./rust-modules.mjs";

/** The layers of a crate from top to bottom. A module may import from its own folder and from lower layers. */
const LAYERS = {
  "edge-worker/src": [
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
  "edge-worker/engine/src": [
    ["shard", "directory"],
    ["deployment"],
    ["alarm", "protocol"],
    ["credentials"],
    ["access", "keys"],
    ["storage"],
    ["log"],
    ["text", "variables"],
    ["error"],
  ],
};

/** The crates without layers. */
const FLAT = ["core/src", "node-binding/src", "fuzz/src"];

/** Returns what is wrong with the layers of a crate's imports. */
function checkLayers(sources, graph, layers) {
  const folderOf = (module) => module.split("::")[0];
  const level = (folder) => layers.findIndex((layer) => layer.includes(folder));
  return [...graph].flatMap(([module, imports]) => {
    const own = folderOf(module);
    if (own === "") return [];
    if (level(own) < 0) return [`${sources}: \`${own}\` is in no layer`];
    const others = new Set(
      [...imports].map(folderOf).filter((other) => other !== own && other !== ""),
    );
    return [...others]
      .filter((other) => level(other) <= level(own))
      .map(
        (other) => `${sources}: \`${module}\` imports \`${other}\`, which is not below \`${own}\``,
      );
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

const faults = [...Object.keys(LAYERS), ...FLAT].flatMap((sources) => {
  const graph = moduleGraph(path.resolve(import.meta.dirname, "..", sources));
  const inCircles = circles(graph).map(
    (circle) => `${sources}: these modules import each other: ${circle.join(", ")}`,
  );
  const layers = LAYERS[sources];
  return [...(layers ? checkLayers(sources, graph, layers) : []), ...inCircles];
});
faults.push(...checkEngine());
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
