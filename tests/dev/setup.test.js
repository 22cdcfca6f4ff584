// scripts/setup on machines that lack something, by stand-ins for what it calls: nothing is built or downloaded.

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { addProgram, HELD, makeMachine, ROOT, runTwice } from "./support/machine.js";

const NODE = process.execPath;

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
  test(`Node ${version} on ${machine} is ${isRefused ? "refused before anything is built" : "enough to begin"}`, async (t) => {
    const { folder, run } = makeMachine(t, {
      uname: `[[ $1 == -sm ]] && echo ${machine} || echo ${machine.split(" ")[0]}`,
      node: `echo ${version}`,
      rustc: `${CALLED}; exit 1`,
      rustup: `${CALLED}; exit 1`,
      cargo: `${CALLED}; exit 1`,
      npm: `${CALLED}; exit 1`,
    });
    const { code, err } = await run("scripts/setup", ["dev"]);
    assert.equal(code, 1);
    assert.equal(existsSync(path.join(folder, "called")), !isRefused, err);
    const told = `error: Node ${version} is too old for wrangler: install Node 22.12 or newer\n`;
    if (isRefused) assert.equal(err, told);
    else assert.ok(!err.includes("Node"), err);
  });
}

/** grep, for which /etc/os-release has a system's own name; macOS has no such file. */
const grepOf = (id) => `[[ $* == *" /etc/os-release" ]] || exec "$(command -pv grep)" "$@"
command -p grep -s "$2" ${id === undefined ? "/none" : `<<<ID=${id}`}`;

/** A PATH on which there is only what every system has, and the machine's stand-ins. */
function ownPath(folder) {
  for (const name of [
    "bash",
    "cat",
    "cksum",
    "cut",
    "dirname",
    "env",
    "head",
    "mkdir",
    "perl",
    "sed",
    "sort",
  ]) {
    addProgram(path.join(folder, "own", name), `command -p ${name} "$@"`);
  }
  return `${folder}/bin:${folder}/own`;
}

/** [the system's own name, what set-up says without rustup] */
const WITHOUT_RUSTUP = [
  [
    "debian",
    /^setup: Rust is missing.* https:\/\/rustup\.rs; going on with Debian's Rust packages\n/,
  ],
  ["ubuntu", /^error: Rust is missing.* https:\/\/rustup\.rs\n$/],
  [undefined, /^error: Rust is missing.* https:\/\/rustup\.rs\n$/],
];
for (const [id, told] of WITHOUT_RUSTUP) {
  test(`without rustup, set-up on ${id ?? "macOS"} says what can be done there`, async (t) => {
    const { folder, run } = makeMachine(t, {
      uname: "echo Linux x86_64",
      grep: grepOf(id),
    });
    // Neither rustup nor apt-get.
    const env = { VTRYON_TOOLCHAIN: "", PATH: ownPath(folder) };
    const { code, err } = await run("scripts/setup", ["dev"], env);
    assert.equal(code, 1, err);
    assert.match(err, told);
  });
}

/** The runtimes that npm brings for some machines. */
const RUNTIMES = Object.keys(
  JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")).optionalDependencies,
);

/** What can install everything. npm brings esbuild, and runtimes without their programs. */
const PROGRAMS = {
  node: `[[ $1 == --version ]] && echo v24.0.0 || exec "${NODE}" "$@"`,
  rustc: '[[ $1 == --print ]] && echo "$FOLDER/rust" || echo "rustc 1.99.0"',
  // Installs bindgen.
  cargo: `while [[ $1 != --root ]]; do shift; done
mkdir -p "$2/bin" && printf '#!/bin/bash\\n' >"$2/bin/bindgen" && chmod +x "$2/bin/bindgen"`,
  npm: `echo "$*" >>"$FOLDER/npm-calls"
[[ $1 == ci ]] || exit 0
mkdir -p node_modules/.bin ${RUNTIMES.map((name) => `node_modules/${name}`).join(" ")}
cp "$FOLDER/bin/node" node_modules/.bin/esbuild`,
};

/** What the tests need of a machine, but Python. */
const FOR_TESTS = Object.fromEntries(
  ["chromedriver", "chromium", "redis-server", "strace", "promtool"].map((name) => [name, ""]),
);

/** A machine on which set-up succeeds. */
function makeWholeMachine(t, programs = {}) {
  const machine = makeMachine(t, { ...PROGRAMS, ...programs });
  for (const part of ["lib/rustlib/wasm32-unknown-unknown/lib", "lib/rustlib/src/rust/library"]) {
    mkdirSync(path.join(machine.folder, "rust", part), { recursive: true });
  }
  return machine;
}

test("node_modules/.bin/node is the machine's where npm brings none, and again when that one has been removed", async (t) => {
  const { folder, tree, run } = makeWholeMachine(t, {
    uname: "[[ $1 == -sm ]] && echo Darwin arm64 || echo Darwin",
  });
  const own = path.join(tree, "node_modules/.bin/node");
  for (const _ of ["first", "again"]) {
    const { code, err } = await run("scripts/setup", ["dev"]);
    assert.equal(code, 0, err);
    assert.equal((await run(own, ["--version"])).out.trim(), process.version);
    rmSync(own);
    symlinkSync(path.join(folder, "removed/node"), own);
  }
});

test("a runtime that npm could not download is named, and set-up does not end", async (t) => {
  const { folder, tree, run } = makeWholeMachine(t, {
    uname: "[[ $1 == -sm ]] && echo Linux x86_64 || echo Linux",
    npm: `${PROGRAMS.npm}\n[[ -e $FOLDER/network ]] || rmdir node_modules/bun-linux-x64`,
  });
  const failed = await run("scripts/setup", ["dev"]);
  assert.equal(failed.code, 1, failed.err);
  assert.match(failed.err, /^error: npm could not download bun-linux-x64: run this again$/m);
  writeFileSync(path.join(folder, "network"), "");
  const again = await run("scripts/setup", ["dev"]);
  assert.equal(again.code, 0, again.err);
  assert.ok(existsSync(path.join(tree, "node_modules/bun-linux-x64")));
});

test("what npm would leave out in production is installed", async (t) => {
  const { folder, run } = makeWholeMachine(t);
  const { code, err } = await run("scripts/setup", ["dev"], { NODE_ENV: "production" });
  assert.equal(code, 0, err);
  const [install] = readFileSync(path.join(folder, "npm-calls"), "utf8").split("\n");
  assert.match(install, /^ci --include=dev --include=optional /);
});

test("of two set-ups at once, the second waits and finds what the first has installed", async (t) => {
  // macOS has no flock.
  const programs = { flock: "exit 0", cargo: `${HELD}${PROGRAMS.cargo}` };
  const machine = makeWholeMachine(t, programs);
  const { codes, told } = await runTwice(machine, "scripts/setup", ["dev"]);
  assert.deepEqual(codes, [0, 0], told);
  assert.equal(told, "setup: waiting for another set-up to end\n");
  const calls = readFileSync(path.join(machine.folder, "npm-calls"), "utf8").match(/^ci /gm);
  assert.equal(calls.length, 1);
});

/** [what has become of the clone since, the first line of pip, whether the tools are installed again] */
const PYTHON_TOOLS = [
  ["nothing", "/bin/bash", false],
  ["moved", "/where/it/was/.cache/python/bin/python3", true],
];
for (const [change, interpreter, isAgain] of PYTHON_TOOLS) {
  test(`the tools of Python are installed ${isAgain ? "again" : "once"}: ${change}`, async (t) => {
    const { folder, tree, run } = makeWholeMachine(t, {
      ...FOR_TESTS,
      python3: 'case $1 in -c) echo 3.99 ;; *) touch "$FOLDER/venv"; exit 1 ;; esac',
    });
    addProgram(path.join(tree, ".cache/python/bin/pip"), "", interpreter);
    // By their times, they are installed.
    for (const [time, file] of [
      [1, "python/requirements-dev.txt"],
      [2, ".cache/python/installed"],
      [1, "node-binding/test/fixtures/package-lock.json"],
      [2, "node-binding/test/fixtures/node_modules/.package-lock.json"],
    ]) {
      mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
      writeFileSync(path.join(tree, file), "");
      utimesSync(path.join(tree, file), time, time);
    }
    const { code, err } = await run("scripts/setup", ["test"]);
    assert.equal(existsSync(path.join(folder, "venv")), isAgain, err);
    assert.equal(code, isAgain ? 1 : 0, err);
  });
}

test("a Python that is too old is named before anything is built", async (t) => {
  const { folder, run } = makeWholeMachine(t, {
    ...FOR_TESTS,
    python3: "[[ $2 == *ensurepip* ]] || echo 3.10.12",
    cargo: CALLED,
    npm: CALLED,
  });
  const { code, err } = await run("scripts/setup", ["test"]);
  assert.equal(code, 1);
  assert.equal(err, "error: Python 3.10.12 is too old, 3.11 is needed\n");
  assert.ok(!existsSync(path.join(folder, "called")));
});

/** [what is set up, the number of its steps where nothing is there but Python] */
const PROFILES = [
  ["check", 2],
  ["release", 3],
];
for (const [profile, steps] of PROFILES) {
  test(`what only tests need is not installed for ${profile}`, async (t) => {
    const there = ["cc", "curl", "openssl"];
    const { folder, run } = makeWholeMachine(t, {
      ...Object.fromEntries(there.map((name) => [name, ""])),
      uname: "[[ $1 == -sm ]] && echo Linux x86_64 || echo Linux",
      python3: 'case "$*" in *ensurepip*) ;; *venv*) exit 1 ;; *) echo 3.99 ;; esac',
    });
    const { code, err } = await run("scripts/setup", [profile], { PATH: ownPath(folder) });
    assert.equal(code, 1, "no Python environment can be made");
    assert.match(
      err,
      new RegExp(`^setup: step 2 of ${steps}: installing the tools of the Python package`, "m"),
    );
    assert.match(err, /^error: python3 -m venv failed$/m);
  });
}

/** [the system's own name, what set-up says where Chromium and its driver are missing, whether apt-get is asked for them] */
const WITHOUT_CHROMIUM = [
  ["debian", /^error: (apt-get|packages are missing)/m, true],
  [
    "ubuntu",
    /^error: .* install Google Chrome, and the chromedriver of its version from https:/m,
    false,
  ],
];
for (const [id, told, isAsked] of WITHOUT_CHROMIUM) {
  test(`without Chromium, set-up on ${id} says how to have it there`, async (t) => {
    const there = ["cc", "curl", "openssl", "redis-server", "promtool", "python3", "strace"];
    const { folder, run } = makeWholeMachine(t, {
      ...Object.fromEntries(there.map((name) => [name, ""])),
      uname: "[[ $1 == -sm ]] && echo Linux x86_64 || echo Linux",
      grep: grepOf(id),
      "apt-get": `: >"$FOLDER/called"; exit 1`,
    });
    const { code, err } = await run("scripts/setup", ["test"], { PATH: ownPath(folder) });
    assert.equal(code, 1, err);
    assert.match(err, /^setup: step 1 of \d: installing packages: chromium-driver chromium$/m);
    assert.match(err, told);
    // Whoever is not root is told the command.
    assert.equal(existsSync(path.join(folder, "called")), isAsked && process.geteuid() === 0);
  });
}

test("each step is printed with its number", async (t) => {
  const { run } = makeWholeMachine(t);
  const { err } = await run("scripts/setup", ["dev"]);
  const steps = [...err.matchAll(/^setup: (step \d of \d: [\w ]+)/gm)].map(([, step]) => step);
  assert.deepEqual(
    steps,
    [
      "step 1 of 2: installing wrangler and the other JavaScript tools ",
      "step 2 of 2: building bindgen",
    ],
    err,
  );
});
