// Which module of a crate imports which, as its sources say. A file is a module; modules within a file are a part of it.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Returns the modules that each module of a crate imports, by their paths as in `shard::live`; the root is "". */
export function moduleGraph(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".rs"));
  const modules = new Map(files.map((name) => [moduleOf(name), name]));
  return new Map(
    [...modules].map(([own, name]) => {
      const source = readFileSync(path.join(folder, name), "utf8");
      const imports = [...pathsIn(source)].map((parts) => resolve(parts, own, modules));
      return [own, new Set(imports.filter((module) => module !== undefined && module !== own))];
    }),
  );
}

/** Returns the circles of a graph, each as its modules. A module and those within it are one house, and no circle. */
export function circles(graph) {
  const imports = (module) => [...graph.get(module)].filter((other) => !isWithin(module, other));
  // What is reachable from each; two that reach each other are in one circle.
  const reach = new Map([...graph.keys()].map((module) => [module, reachable(module, imports)]));
  const found = new Set();
  return [...graph.keys()].flatMap((module) => {
    if (found.has(module) || !reach.get(module).has(module)) return [];
    const circle = [...reach.get(module)].filter((other) => reach.get(other).has(module));
    for (const other of circle) found.add(other);
    return [circle.sort()];
  });
}

function reachable(start, imports) {
  const reached = new Set();
  const open = imports(start);
  while (open.length > 0) {
    const module = open.pop();
    if (reached.has(module)) continue;
    reached.add(module);
    open.push(...imports(module));
  }
  return reached;
}

const isWithin = (one, other) =>
  one === "" || other === "" || one.startsWith(`${other}::`) || other.startsWith(`${one}::`);

function moduleOf(file) {
  const parts = file.replace(/\.rs$/, "").split(path.sep);
  return parts.join("::") === "lib" ? "" : parts.join("::");
}

/** Returns the paths in a source's declarations of imports and in its code, without its unit tests. */
function* pathsIn(source) {
  const code = source
    .replace(/\/\/.*$/gm, "")
    .replace(/#\[cfg\(test\)\]\s*mod tests \{[\s\S]*$/, "");
  for (const [, tree] of code.matchAll(/\buse\s+([^;]+);/g)) yield* pathsOf(tree);
  const others = code.replace(/\buse\s+[^;]+;/g, "");
  for (const [found] of others.matchAll(/(?<![:\w])\w+(?:::\w+)+/g)) yield found.split("::");
}

/** Returns the paths of a tree as `a::{b, c::{d, e}}`. */
function* pathsOf(tree, above = []) {
  const brace = tree.indexOf("{");
  const head = (brace < 0 ? tree : tree.slice(0, brace)).split("::");
  const parts = [...above, ...head.map((part) => part.trim()).filter(Boolean)];
  if (brace < 0) return yield parts;
  let [depth, item] = [0, ""];
  for (const character of `${tree.slice(brace + 1, tree.lastIndexOf("}"))},`) {
    if (character === "," && depth === 0) {
      if (item.trim() !== "") yield* pathsOf(item, parts);
      item = "";
    } else {
      depth += { "{": 1, "}": -1 }[character] ?? 0;
      item += character;
    }
  }
}

/** Returns the module that a path in a module leads to; undefined where it leads out of the crate. */
function resolve(path, own, modules) {
  const parts = [...path];
  let base = own === "" ? [] : own.split("::");
  const isLocal = modules.has([...base, parts[0]].join("::"));
  if (parts[0] === "crate") base = [];
  else if (parts[0] === "super") base = base.slice(0, -1);
  else if (parts[0] !== "self" && !isLocal) return undefined;
  if (!isLocal) parts.shift();
  for (; parts[0] === "super"; parts.shift()) base.pop();
  while (modules.has([...base, parts[0]].join("::"))) base.push(parts.shift());
  return base.join("::");
}
