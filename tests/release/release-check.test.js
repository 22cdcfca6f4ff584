// `make release-check` on a copy of the tree: what is wrong is said in one line each.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { git, gitEnvironment } from "../support/git.js";

const ROOT = path.join(import.meta.dirname, "../..");

let copy;
before(() => {
  copy = mkdtempSync(path.join(tmpdir(), "release-check-test-"));
  const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" });
  for (const file of tracked.split("\0").filter(Boolean)) {
    cpSync(path.join(ROOT, file), path.join(copy, file));
  }
  for (const built of ["node-binding/dist", "edge-worker/npm/dist"]) {
    cpSync(path.join(ROOT, built), path.join(copy, built), { recursive: true });
  }
  mkdirSync(path.join(copy, ".cache"));
  for (const tools of ["node_modules", ".cache/python"]) {
    symlinkSync(path.join(ROOT, tools), path.join(copy, tools));
  }
  git(copy, "init", "--quiet");
  git(copy, "config", "user.name", "Test");
  git(copy, "config", "user.email", "test@example.com");
  git(copy, "add", "--all");
  // git takes the links to the tools for files.
  git(copy, "rm", "--quiet", "--cached", "--ignore-unmatch", "node_modules", ".cache/python");
  writeFileSync(path.join(copy, ".git/info/exclude"), "/node_modules\n/.cache\n");
  git(copy, "commit", "--quiet", "--message", "tree");
});
beforeEach(() => {
  git(copy, "reset", "--quiet", "--hard");
  git(copy, "clean", "--quiet", "--force", "-d");
});
after(() => rmSync(copy, { recursive: true, force: true }));

/** Runs checks in the copy; returns the exit code and the lines. */
function check(...args) {
  const script = path.join(copy, "scripts/release-check.mjs");
  const done = spawnSync(process.execPath, [script, ...args], {
    cwd: copy,
    env: gitEnvironment(),
    encoding: "utf8",
  });
  assert.equal(done.stderr, "");
  return { code: done.status, lines: done.stdout.trim().split("\n") };
}

/** Changes a file of the copy. */
function edit(file, from, to) {
  const at = path.join(copy, file);
  const text = readFileSync(at, "utf8");
  assert.ok(text.includes(from), `${file} has ${from}`);
  writeFileSync(at, text.replace(from, to));
}

const version = JSON.parse(
  readFileSync(path.join(ROOT, "node-binding/package.json"), "utf8"),
).version;

test("a tree without faults passes", () => {
  const { code, lines } = check("versions", "changelog", "contents", "tree");
  assert.deepEqual(lines, [
    "ok      versions",
    "ok      changelog",
    "ok      contents",
    "ok      tree",
  ]);
  assert.equal(code, 0);
});

const FAULTS = [
  {
    name: "a package out of step",
    file: "edge-worker/npm/package.json",
    from: `"version": "${version}"`,
    to: '"version": "9.9.9"',
    line: `failed  versions: edge-worker/npm/package.json has 9.9.9, Cargo.toml ${version}`,
  },
  {
    name: "a Python package out of step",
    file: "python/src/vtryon_webhooks/__init__.py",
    from: `__version__ = "${version}"`,
    to: '__version__ = "9.9.9"',
    line: `failed  versions: python/src/vtryon_webhooks/__init__.py has 9.9.9, Cargo.toml ${version}`,
  },
  {
    name: "a lock file out of step",
    file: "tests/constant-time/Cargo.lock",
    from: `name = "vtryon-webhooks"\nversion = "${version}"`,
    to: 'name = "vtryon-webhooks"\nversion = "9.9.9"',
    line: `failed  versions: tests/constant-time/Cargo.lock for vtryon-webhooks has 9.9.9, Cargo.toml ${version}`,
  },
  {
    name: "a template out of step",
    file: "deploy/package.json",
    from: `"vtryon-webhooks-gateway": "${version}"`,
    to: '"vtryon-webhooks-gateway": "9.9.9"',
    line: `failed  versions: deploy/package.json for vtryon-webhooks-gateway has 9.9.9, Cargo.toml ${version}`,
  },
  {
    name: "a command out of step",
    file: "SECURITY.md",
    from: "# Security",
    to: "# Security\n\n    npm install ./vtryon-webhooks-gateway-9.9.9.tgz\n",
    line: `failed  versions: SECURITY.md in "vtryon-webhooks-gateway-9.9.9" has 9.9.9, Cargo.toml ${version}`,
  },
  {
    name: "no entry in the changelog",
    file: "CHANGELOG.md",
    from: `## [${version}]`,
    to: "## [9.9.9]",
    line: `failed  changelog: CHANGELOG.md has no entry "## [${version}] - DATE"`,
  },
  {
    name: "an entry that says nothing",
    file: "CHANGELOG.md",
    from: `## [${version}] - `,
    to: `## [${version}] - 2026-01-31\n\nNothing.\n\n## [0.0.1] - `,
    line: `failed  changelog: CHANGELOG.md says nothing about ${version}`,
  },
];
for (const { name, file, from, to, line } of FAULTS) {
  test(`${name} is a fault, and the other checks still run`, () => {
    edit(file, from, to);
    const { code, lines } = check("versions", "changelog", "tree");
    assert.ok(lines.includes(line), lines.join("\n"));
    assert.equal(lines.at(-1), `failed  tree: ${file} is not committed`);
    assert.equal(code, 1);
  });
}

test("a release has a tag that names the version, and an entry with a date", () => {
  edit(
    "CHANGELOG.md",
    /^## \[.*$/m.exec(readFileSync(path.join(copy, "CHANGELOG.md"), "utf8"))[0],
    `## [${version}] - unreleased`,
  );
  assert.deepEqual(check("--tag", "v9.9.9", "versions", "changelog").lines, [
    `failed  versions: the tag is v9.9.9, not v${version}`,
    `failed  changelog: CHANGELOG.md has no date for ${version}, but "unreleased"`,
  ]);
  edit("CHANGELOG.md", "- unreleased", "- 2026-01-31");
  assert.equal(check("--tag", `v${version}`, "versions", "changelog").code, 0);
});

test("a release has no page that says that nothing is published yet", () => {
  const { code, lines } = check("--tag", `v${version}`, "pages");
  // As long as the first release has not been made, the pages say so.
  const others = lines.filter((line) => !/^(?:ok|failed {2}pages:)/.test(line));
  assert.deepEqual(others, []);
  edit(
    "SECURITY.md",
    "# Security",
    "# Security\n\nUntil the first release, get it from a clone.\n",
  );
  const line = "failed  pages: SECURITY.md:3 says that nothing is published yet";
  assert.ok(check("--tag", `v${version}`, "pages").lines.includes(line));
  assert.deepEqual(check("pages").lines, ["ok      pages"], "without a tag");
  assert.equal(code === 0, lines[0] === "ok      pages");
});

test("links of the notes lead into the repository at the tag", () => {
  const entry = `## [${version}] - unreleased\n\n### Added\n\n- [One](docs/one.md#two) and [another](https://other.example/).`;
  writeFileSync(path.join(copy, "CHANGELOG.md"), entry);
  assert.equal(
    check("--notes").lines.at(-1),
    `- [One](https://github.com/vtryon/vtryon-webhooks/blob/v${version}/docs/one.md#two) and [another](https://other.example/).`,
  );
});

test("a stray or a missing file is a fault in each package", () => {
  for (const file of [
    "node-binding/dist/esm/notes.js",
    "edge-worker/npm/dist/worker/index.js.map",
    "edge-worker/npm/lib/notes.txt",
    "core/src/notes.txt",
    "python/src/vtryon_webhooks/notes.txt",
  ]) {
    writeFileSync(path.join(copy, file), "");
  }
  rmSync(path.join(copy, "node-binding/dist/cli.cjs"));
  try {
    const { code, lines } = check("contents");
    assert.deepEqual(lines, [
      "failed  contents: vtryon-webhooks (npm) has a stray file, dist/esm/notes.js",
      "failed  contents: vtryon-webhooks (npm) lacks dist/cli.cjs",
      "failed  contents: vtryon-webhooks-gateway (npm) has a stray file, dist/worker/index.js.map",
      "failed  contents: vtryon-webhooks-gateway (npm) has a stray file, lib/notes.txt",
      "failed  contents: vtryon-webhooks (crate) has a stray file, src/notes.txt",
      "failed  contents: wheel (PyPI) has a stray file, vtryon_webhooks/notes.txt",
      "failed  contents: source distribution (PyPI) has a stray file, src/vtryon_webhooks/notes.txt",
    ]);
    assert.equal(code, 1);
  } finally {
    // git ignores what is built.
    rmSync(path.join(copy, "node-binding/dist/esm/notes.js"));
    rmSync(path.join(copy, "edge-worker/npm/dist/worker/index.js.map"));
    cpSync(
      path.join(ROOT, "node-binding/dist/cli.cjs"),
      path.join(copy, "node-binding/dist/cli.cjs"),
    );
  }
});

test("a folder of this machine in a built file is a fault", () => {
  const file = "edge-worker/npm/dist/worker/index.js";
  writeFileSync(path.join(copy, file), `"${homedir()}/.cargo/registry/src/crate/lib.rs"`);
  try {
    assert.deepEqual(check("contents").lines, [
      `failed  contents: vtryon-webhooks-gateway (npm) names ${homedir()}/ of this machine in dist/worker/index.js`,
    ]);
  } finally {
    // git ignores what is built.
    cpSync(path.join(ROOT, file), path.join(copy, file));
  }
});

test("a check that cannot be made is a fault, and the other checks still run", () => {
  const tools = path.join(copy, ".cache/python");
  rmSync(tools);
  try {
    const { code, lines } = check("contents", "tree");
    assert.match(lines[0], /^failed {2}contents: could not be checked: python -m: .* ENOENT$/);
    assert.deepEqual(lines.slice(1), ["ok      tree"]);
    assert.equal(code, 1);
  } finally {
    symlinkSync(path.join(ROOT, ".cache/python"), tools);
  }
});
