// All parts have the version of the workspace, wherever it is written.

import { ROOT, read, readJson, run } from "./tools.mjs";

/** The version of the workspace. */
export function version() {
  return /^\[workspace\.package\]\nversion = "([^"]+)"/m.exec(read("Cargo.toml"))[1];
}

export function checkVersions({ version, tag }) {
  const faults = [];
  for (const [place, found] of places()) {
    if (found !== version) faults.push(`${place} has ${found}, Cargo.toml ${version}`);
  }
  // npm would need a tag of its own for a pre-release, and GitHub a mark.
  if (!/^\d+\.\d+\.\d+$/.test(version))
    faults.push(`${version} is a pre-release: those are not released`);
  if (tag !== undefined && tag !== `v${version}`) faults.push(`the tag is ${tag}, not v${version}`);
  return faults;
}

function* places() {
  const lock = readJson("package-lock.json").packages;
  for (const folder of ["node-binding", "edge-worker/npm"]) {
    yield [`${folder}/package.json`, readJson(`${folder}/package.json`).version];
    yield [`package-lock.json for ${folder}`, lock[folder].version];
  }
  const users = files("deploy/package.json", "node-binding/examples/*/package.json");
  for (const file of users) {
    const { dependencies } = readJson(file);
    for (const name of ["vtryon-webhooks", "vtryon-webhooks-gateway"]) {
      if (dependencies?.[name] !== undefined) yield [`${file} for ${name}`, dependencies[name]];
    }
  }
  const init = "python/src/vtryon_webhooks/__init__.py";
  yield [init, /^__version__ = "(.*)"$/m.exec(read(init))?.[1]];
  // What has no source in a lock file is of this repository.
  const own = /^name = "([^"]+)"\nversion = "([^"]+)"\n(?!source)/gm;
  for (const file of files("*Cargo.lock")) {
    for (const [, name, found] of read(file).matchAll(own)) {
      if (name.startsWith("vtryon-")) yield [`${file} for ${name}`, found];
    }
  }
  // Commands such as `npm install ./vtryon-webhooks-1.2.3.tgz`, `npx vtryon-webhooks-gateway@1.2.3`,
  // `pip install vtryon-webhooks==1.2.3`.
  const command =
    /vtryon[-_]webhooks(?:-gateway)?(?:-|@|==)(\d+\.\d+\.\d+[\w.-]*?)(?=\.tgz|-py3|[\s"'`)]|$)/gm;
  for (const file of files("*.md")) {
    if (file === "CHANGELOG.md") continue;
    for (const [text, found] of read(file).matchAll(command)) yield [`${file} in "${text}"`, found];
  }
}

const files = (...patterns) =>
  run("git", ["ls-files", ...patterns], ROOT)
    .split("\n")
    .filter(Boolean);
