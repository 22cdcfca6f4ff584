// Writes package.json and package-lock.json into a folder, without the workspaces, which `npm sbom` can't list:
//     node scripts/without-workspaces.mjs FOLDER

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.join(import.meta.dirname, "..");
const [folder] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(path.join(ROOT, file), "utf8"));
const write = (file, value) => writeFileSync(path.join(folder, file), JSON.stringify(value));

const version = read("node-binding/package.json").version;
const { workspaces, ...manifest } = read("package.json");
write("package.json", { ...manifest, version });

const lock = read("package-lock.json");
const { "": top, ...locked } = lock.packages;
const { workspaces: listed, ...own } = top;
const installed = Object.entries(locked).filter(([place, { link }]) => {
  return place.startsWith("node_modules/") && !link;
});
const packages = { "": { ...own, version }, ...Object.fromEntries(installed) };
write("package-lock.json", { ...lock, version, packages });
