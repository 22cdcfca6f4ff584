// What is packed is what is meant to be: each file is of the repository, or is built from one.

import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { buildPython, isTracked, PYTHON, packedOf, ROOT, run } from "./tools.mjs";

/** Folders of this machine that no built file names: they are nobody's business, and elsewhere it would be built otherwise. */
const PLACES = [ROOT, homedir()].filter((place) => place !== "/").map((place) => `${place}/`);

const LEGAL = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/**
 * Packages: what they must have, and from which file of the repository each of their files comes. `true`: it is
 * generated, for npm into `folder`; `undefined`: it is a stray.
 */
const PACKAGES = {
  "vtryon-webhooks (npm)": {
    folder: "node-binding",
    list: () => npmFiles("node-binding"),
    required: [
      ...LEGAL,
      "bin/vtryon-webhooks.js",
      "dist/cli.cjs",
      "dist/esm/index.js",
      "dist/cjs/index.js",
    ],
    source(file) {
      const generated = [
        "dist/cli.cjs",
        "dist/cjs/package.json",
        "dist/cjs/wasm.js",
        "dist/wasm/core.wasm",
        "dist/wasm/workerd.js",
        "dist/wasm/edge-light.js",
        "dist/esm/core/glue.js",
        "dist/cjs/core/glue.js",
      ];
      if (generated.includes(file)) return true;
      const built = /^dist\/(?:esm|cjs)\/(.+?)(?:\.d\.ts|\.js)$/.exec(file);
      if (built) return `node-binding/lib/${built[1]}.ts`;
      return file.startsWith("dist/") ? undefined : `node-binding/${file}`;
    },
  },
  "vtryon-webhooks-gateway (npm)": {
    folder: "edge-worker/npm",
    list: () => npmFiles("edge-worker/npm"),
    required: [
      ...LEGAL,
      "bin/vtryon-webhooks-gateway.js",
      "dist/worker/index.js",
      "dist/dashboard/index.html",
      "dist/version.json",
    ],
    source(file) {
      if (/^dist\/(worker\/index(\.js|_bg\.wasm)|version\.json)$/.test(file)) return true;
      // Bundled under names with a hash, or copied.
      if (/^dist\/dashboard\/[\w/.-]+\.(html|js|css|svg|png|ico|txt|webmanifest)$/.test(file))
        return true;
      if (file === "dist/dashboard/_headers") return true;
      if (file === "dist/template/gitignore") return "deploy/.gitignore";
      if (file.startsWith("dist/template/")) return file.replace("dist/template", "deploy");
      return file.startsWith("dist/") ? undefined : `edge-worker/npm/${file}`;
    },
  },
  "vtryon-webhooks (crate)": {
    list: () =>
      run(
        "cargo",
        ["package", "--list", "--allow-dirty", "--offline", "--package", "vtryon-webhooks"],
        ROOT,
      )
        .trim()
        .split("\n"),
    required: [...LEGAL, "Cargo.toml", "src/lib.rs"],
    source: (file) =>
      [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml.orig"].includes(file) || `core/${file}`,
  },
  "wheel (PyPI)": {
    list: ({ scratch }) => pythonFiles(scratch, ".whl", ZIP),
    required: ["vtryon_webhooks/__init__.py", "vtryon_webhooks/py.typed"],
    source(file) {
      if (file.startsWith("vtryon_webhooks/")) return `python/src/${file}`;
      return (
        /^vtryon_webhooks-[\d.]+\.dist-info\/(METADATA|RECORD|WHEEL|licenses\/LICENSE-(MIT|APACHE))$/.test(
          file,
        ) || undefined
      );
    },
  },
  "source distribution (PyPI)": {
    list: ({ scratch }) =>
      pythonFiles(scratch, ".tar.gz", TAR).map((file) => file.slice(file.indexOf("/") + 1)),
    required: [...LEGAL, "pyproject.toml", "PKG-INFO", "src/vtryon_webhooks/__init__.py"],
    source(file) {
      if (file === "PKG-INFO") return true;
      return file === ".gitignore" ? ".gitignore" : `python/${file}`;
    },
  },
};

const ZIP = "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep='\\n')";
const TAR = "import sys, tarfile; print(*tarfile.open(sys.argv[1]).getnames(), sep='\\n')";

export function checkContents(release) {
  buildPython(release.scratch);
  return Object.entries(PACKAGES).flatMap(([name, { folder, list, required, source }]) => {
    const files = list(release);
    const strays = files.filter((file) => {
      const from = source(file);
      return from === undefined || (from !== true && !isTracked(from));
    });
    const missing = required.filter((file) => !files.includes(file));
    const built = folder === undefined ? [] : files.filter((file) => source(file) === true);
    const named = built.flatMap((file) => {
      const bytes = readFileSync(path.join(ROOT, folder, file));
      return PLACES.filter((place) => bytes.includes(place)).map((place) => [file, place]);
    });
    return [
      ...strays.map((file) => `${name} has a stray file, ${file}`),
      ...missing.map((file) => `${name} lacks ${file}`),
      ...named.map(([file, place]) => `${name} names ${place} of this machine in ${file}`),
    ];
  });
}

function npmFiles(folder) {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { files } = packedOf(run("npm", args, path.join(ROOT, folder)));
  return files.map((file) => file.path);
}

function pythonFiles(folder, ending, program) {
  const name = readdirSync(folder).find((file) => file.endsWith(ending));
  return run(PYTHON, ["-c", program, path.join(folder, name)], ROOT)
    .trim()
    .split("\n");
}
