// scripts/build-worker and what else cargo builds or writes, with stand-ins for it: which file is taken, and when.

import assert from "node:assert/strict";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { addProgram, HELD, makeMachine, runTwice } from "./support/machine.js";

/** Compiles a file whose text is $MADE to where cargo would, and notes the call. */
const CARGO = `echo "$CARGO_TARGET_DIR $*" >>"$FOLDER/calls"
out=\${CARGO_TARGET_DIR:-$FOLDER/tree/target}/wasm32-unknown-unknown/release
mkdir -p "$out" && printf %s "$MADE" >"$out/vtryon_edge_worker.wasm"`;

/** A tree that is set up and can build the Worker. */
async function makeBuildMachine(t, programs = {}) {
  const rustc = 'echo "$FOLDER/rust"';
  const machine = makeMachine(t, { cargo: CARGO, rustc, ...programs });
  const { folder, tree, run } = machine;
  for (const source of ["src", "engine", "npm", "../core"]) {
    mkdirSync(path.join(tree, "edge-worker", source));
  }
  for (const source of ["entry.js", "Cargo.toml", "../Cargo.toml", "../Cargo.lock"]) {
    writeFileSync(path.join(tree, "edge-worker", source), "");
  }
  mkdirSync(path.join(folder, "rust/lib/rustlib/src/rust"), { recursive: true });
  mkdirSync(path.join(tree, ".cache"));
  const toolchain = `WASM_RUST_BIN=${folder}/bin\nWASM_RUST_SYSROOT=\n`;
  writeFileSync(path.join(tree, ".cache/toolchain"), toolchain);
  const place = await run("bash", ["-c", 'source scripts/common; echo "$cache/$bindgen/bin"']);
  addProgram(
    path.join(place.out.trim(), "bindgen"),
    'mkdir -p "$3" && cp "$2" "$3/gateway_bg.wasm"',
  );
  addProgram(
    path.join(tree, "node_modules/.bin/esbuild"),
    `for option; do [[ $option != --outfile=* ]] || touch "\${option#*=}"; done`,
  );
  return {
    ...machine,
    buildWorker: (made, env) => run("scripts/build-worker", [], { MADE: made, ...env }),
    built: () => readFileSync(path.join(tree, "edge-worker/build/index_bg.wasm"), "utf8"),
    calls: () => readFileSync(path.join(folder, "calls"), "utf8").trim().split("\n"),
  };
}

test("the Worker is made of what was compiled now, wherever the environment has cargo compile to", async (t) => {
  const { folder, buildWorker, built } = await makeBuildMachine(t);
  const first = await buildWorker("first");
  assert.equal(first.code, 0, first.err);
  writeFileSync(path.join(folder, "tree/edge-worker/src/changed.rs"), "");
  const env = { CARGO_TARGET_DIR: path.join(folder, "shared") };
  const second = await buildWorker("second", env);
  assert.equal(second.code, 0, second.err);
  assert.equal(built(), "second");
});

test("make builds into the tree, wherever the environment has cargo compile to", async (t) => {
  const { folder, tree, run, calls } = await makeBuildMachine(t);
  const env = { CARGO_TARGET_DIR: path.join(folder, "shared") };
  const { code, err } = await run("make", ["verdict"], env);
  assert.equal(code, 0, err);
  assert.match(calls()[0], new RegExp(`^${tree}/target build .*--bin verdict$`));
});

test("of two builds at once, the second waits and takes what the first has made", async (t) => {
  const machine = await makeBuildMachine(t, { cargo: `${HELD}${CARGO}` });
  const { codes, told } = await runTwice(machine, "scripts/build-worker", [], { MADE: "whole" });
  assert.deepEqual(codes, [0, 0], told);
  assert.equal(told, "setup: waiting for another build to end\n");
  assert.equal(machine.calls().length, 1);
});

test("a build does not wait for what an earlier one has left running", async (t) => {
  // As a wrapper of the compiler starts its server.
  const cargo = `${CARGO}\nsleep 120 >/dev/null 2>&1 &\necho $! >>"$FOLDER/servers"`;
  const { folder, tree, buildWorker } = await makeBuildMachine(t, { cargo });
  try {
    assert.equal((await buildWorker("first")).code, 0);
    writeFileSync(path.join(tree, "edge-worker/src/changed.rs"), "");
    const { code, err } = await buildWorker("second");
    assert.equal(code, 0, err);
    assert.ok(!err.includes("waiting"), err);
  } finally {
    const servers = readFileSync(path.join(folder, "servers"), "utf8").trim().split("\n");
    for (const server of servers) process.kill(Number(server));
  }
});

test("the Worker names no file of this machine, whose folders may have blanks", async (t) => {
  const cargo = `${CARGO}\nprintf %s "$CARGO_ENCODED_RUSTFLAGS" >"$FOLDER/flags"`;
  const { folder, buildWorker } = await makeBuildMachine(t, { cargo });
  const { code, err } = await buildWorker("whole", { HOME: "/Users/Jane Doe" });
  assert.equal(code, 0, err);
  const flags = readFileSync(path.join(folder, "flags"), "utf8").split("\x1f");
  assert.deepEqual(flags, [
    "-Ctarget-feature=+simd128",
    "-Cpanic=unwind",
    "--remap-path-prefix=/Users/Jane Doe/.cargo/registry/src/=",
    `--remap-path-prefix=${folder}/rust/lib/rustlib/src/rust/=`,
    `--remap-path-prefix=${folder}/rust/lib/rustlib/src/rust/=`,
  ]);
});

/** What packs and lists the packages of npm. */
const NPM = `case $1 in
sbom) echo '{}' ;;
pack) while [[ $1 != --pack-destination ]]; do shift; done; touch "$2/vtryon-webhooks-gateway-1.2.3.tgz" ;;
esac`;

/** Adds what scripts/sbom lists to a tree. */
async function addCrates({ tree, run }) {
  addProgram(path.join(tree, "node_modules/.bin/node"), "");
  for (const member of ["core", "edge-worker", "node-binding"]) {
    mkdirSync(path.join(tree, member), { recursive: true });
    writeFileSync(path.join(tree, member, "Cargo.toml"), "");
  }
  await run("git", ["init", "--quiet"]);
  await run("git", ["add", "."]);
}

for (const isWhole of [true, false]) {
  test(`lists of what packages are made of are left in their folder alone, ${isWhole ? "and all of them" : "also by a run that fails"}`, async (t) => {
    const machine = makeMachine(t, {
      cargo: `while [[ $1 != --override-filename ]]; do shift; done
for member in core edge-worker node-binding; do echo '{}' >"$FOLDER/tree/$member/$2.json"; done
${isWhole ? "" : "exit 1"}`,
      npm: NPM,
    });
    const { tree, run } = machine;
    await addCrates(machine);
    const { code, err } = await run("scripts/sbom", ["lists"]);
    assert.equal(code, isWhole ? 0 : 1, err);
    const lists = readdirSync(tree, { recursive: true }).filter((file) => /cdx\.json$/.test(file));
    assert.deepEqual(
      lists.sort(),
      isWhole
        ? [
            "lists/development.npm.cdx.json",
            "lists/vtryon-webhooks-gateway.npm-worker.cdx.json",
            "lists/vtryon-webhooks-gateway.npm.cdx.json",
            "lists/vtryon-webhooks.crate.cdx.json",
            "lists/vtryon-webhooks.npm.cdx.json",
          ]
        : [],
    );
  });
}

test("lists name crates by their place in the repository, also where the path to it has a blank", async (t) => {
  const machine = makeMachine(t, {
    // As cargo writes a path.
    cargo: `while [[ $1 != --manifest-path ]]; do shift; done
echo '{"bom-ref":"path+file://'"\${PWD// /%20}"'/core"}' >"$(dirname "$2")/$4.json"`,
    npm: NPM,
  });
  const { folder, tree, run } = machine;
  const place = path.join(folder, "a clone");
  renameSync(tree, place);
  symlinkSync(place, tree);
  await addCrates(machine);
  const { code, err } = await run("scripts/sbom", ["lists"]);
  assert.equal(code, 0, err);
  const list = readFileSync(path.join(tree, "lists/vtryon-webhooks.crate.cdx.json"), "utf8");
  assert.deepEqual(JSON.parse(list), { "bom-ref": "path+file:///core" });
});
