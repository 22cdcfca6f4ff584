// Fails where a lock file of npm has a package without the hash that its download is checked against, where a package
// with an install script is not named in package.json, and where versions that move together differ.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const files = execFileSync("git", ["ls-files", "*package-lock.json"], { encoding: "utf8" });
for (const file of files.split("\n").filter(Boolean)) {
  const { packages } = JSON.parse(readFileSync(file, "utf8"));
  for (const [place, { integrity, link }] of Object.entries(packages)) {
    const isInstalled = place.includes("node_modules/") && !link;
    if (!isInstalled || integrity) continue;
    console.error(`error: ${file}: ${place} has no integrity hash`);
    process.exitCode = 1;
  }
}

// `false`: it works without its script.
const named = Object.keys(JSON.parse(readFileSync("package.json", "utf8")).allowScripts);
const locked = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
const withScript = Object.keys(locked)
  .filter((place) => locked[place].hasInstallScript)
  .map((place) => place.split("node_modules/").at(-1));
for (const name of new Set([...withScript, ...named])) {
  if (withScript.includes(name) && named.includes(name)) continue;
  const fault = named.includes(name) ? "has no install script any more" : "has an install script";
  console.error(`error: ${name} ${fault}: see allowScripts in package.json`);
  process.exitCode = 1;
}

const PAIRS = {
  "wasm-bindgen": [
    ["Cargo.toml", /^wasm-bindgen = "=([\d.]+)"/m],
    ["scripts/wasm-bindgen/Cargo.toml", /^version = "([\d.]+)"/m],
    ["scripts/wasm-bindgen/Cargo.toml", /^wasm-bindgen-cli-support = "=([\d.]+)"/m],
    ["scripts/wasm-bindgen/Cargo.toml", /^wasm-bindgen-cli = .*"=([\d.]+)"/m],
  ],
  wrangler: byName("wrangler"),
  commander: byName("commander"),
};
for (const [name, places] of Object.entries(PAIRS)) {
  const found = places.map(([file, pattern]) => {
    return [file, pattern.exec(readFileSync(file, "utf8"))?.[1]];
  });
  if (new Set(found.map(([, version]) => version)).size === 1) continue;
  const list = found.map(([file, version]) => `${version} in ${file}`).join(", ");
  console.error(`error: ${name} moves together, but is ${list}`);
  process.exitCode = 1;
}

/** Where both manifests pin a package of npm. */
function byName(name) {
  const pattern = new RegExp(`"${name}": "([\\d.]+)"`);
  return [
    ["package.json", pattern],
    ["edge-worker/npm/package.json", pattern],
  ];
}
