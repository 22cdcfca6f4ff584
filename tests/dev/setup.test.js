// scripts/setup on machines that lack something, by stand-ins for what it calls: nothing is built or downloaded.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const ROOT = path.resolve(import.meta.dirname, "../..");
const NODE = process.execPath;

/** A tree with the scripts alone, and a machine whose programs are stand-ins: lines of a shell, by name. */
function makeMachine(t, programs) {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-setup-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const file of ["scripts", "package.json", "package-lock.json"]) {
    cpSync(path.join(ROOT, file), path.join(folder, "tree", file), { recursive: true });
  }
  mkdirSync(path.join(folder, "tree/edge-worker"));
  const bin = path.join(folder, "bin");
  mkdirSync(bin);
  for (const [name, lines] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
  }
  return {
    folder,
    setUp: (profile) =>
      spawnSync(path.join(folder, "tree/scripts/setup"), [profile], {
        env: {
          PATH: `${bin}:${process.env.PATH}`,
          HOME: folder,
          FOLDER: folder,
          VTRYON_CACHE: path.join(folder, "cache"),
          VTRYON_TOOLCHAIN: "rustup",
        },
        encoding: "utf8",
      }),
  };
}

/** Leaves a trace. */
const CALLED = 'touch "$FOLDER/called"';

/** [machine, Node, whether its Node is refused] */
const NODES = [
  ["Darwin arm64", "v20.19.0", true],
  ["Darwin arm64", "v22.11.0", true],
  ["Darwin arm64", "v22.12.0", false],
  // npm brings one.
  ["Linux x86_64", "v20.19.0", false],
  ["Linux aarch64", "v20.19.0", false],
  ["Linux riscv64", "v20.19.0", true],
];
for (const [machine, version, isRefused] of NODES) {
  test(`Node ${version} on ${machine} is ${isRefused ? "refused before anything is built" : "enough to begin"}`, (t) => {
    const { folder, setUp } = makeMachine(t, {
      uname: `[[ $1 == -sm ]] && echo ${machine} || echo ${machine.split(" ")[0]}`,
      node: `echo ${version}`,
      rustc: `${CALLED}; exit 1`,
      rustup: `${CALLED}; exit 1`,
      cargo: `${CALLED}; exit 1`,
      npm: `${CALLED}; exit 1`,
    });
    const { status, stderr } = setUp("dev");
    assert.equal(status, 1);
    assert.equal(existsSync(path.join(folder, "called")), !isRefused, stderr);
    const told = `error: Node ${version} is too old for wrangler: install Node 22.12 or newer\n`;
    if (isRefused) assert.equal(stderr, told);
    else assert.ok(!stderr.includes("Node"), stderr);
  });
}

test("the steps that are printed include the build of the Worker", (t) => {
  const { folder, setUp } = makeMachine(t, {
    node: `[[ $1 == --version ]] && echo v24.0.0 || exec "${NODE}" "$@"`,
    rustc: '[[ $1 == --print ]] && echo "$FOLDER/rust" || echo "rustc 1.99.0"',
    // Installs bindgen.
    cargo: `while [[ $1 != --root ]]; do shift; done
mkdir -p "$2/bin" && printf '#!/bin/bash\\n' >"$2/bin/bindgen" && chmod +x "$2/bin/bindgen"`,
    npm: `[[ $1 == ci ]] || exit 0
mkdir -p node_modules/.bin && cp "$FOLDER/bin/node" node_modules/.bin/esbuild`,
  });
  for (const part of ["lib/rustlib/wasm32-unknown-unknown/lib", "lib/rustlib/src/rust/library"]) {
    mkdirSync(path.join(folder, "rust", part), { recursive: true });
  }
  // There is no compiler, so the build itself fails.
  const { stderr } = setUp("worker");
  const steps = [...stderr.matchAll(/^setup: (step \d of \d: [\w ]+)/gm)].map(([, step]) => step);
  assert.deepEqual(
    steps,
    [
      "step 1 of 3: installing wrangler and the other JavaScript tools ",
      "step 2 of 3: building bindgen",
      "step 3 of 3: building the Worker ",
    ],
    stderr,
  );
});
