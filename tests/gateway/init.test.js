// `init`: the folder is the user's own, and deploy/ is the same.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { parseEnv } from "node:util";
import { readConfig } from "../../edge-worker/npm/lib/folder/config.js";
import { REQUIRED } from "../../edge-worker/npm/lib/secrets.js";
import { read, requiredSecrets, variables } from "../pages.js";
import { git } from "../support/git.js";
import { runInTerminal } from "../support/terminal.js";
import { ROOT } from "./support/machine.js";

const COMMAND = path.join(ROOT, "edge-worker/npm/bin/vtryon-webhooks-gateway.js");
const TEMPLATE = path.join(ROOT, "deploy");
const template = (file) => readFileSync(path.join(TEMPLATE, file), "utf8");

/** Makes a folder with some files, and returns functions that work in it. */
function makeFolder(t, files = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-init-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
  /** Runs `init` without a terminal. */
  const run = (...args) =>
    spawnSync(process.execPath, [COMMAND, "init", ...args], { cwd: folder, encoding: "utf8" });
  return {
    folder,
    run,
    /** Runs `init`, and returns the outcome of each file. */
    init: (...args) => {
      const { status, stdout, stderr } = run(...args);
      assert.equal(status, 0, stderr);
      const lines = stdout.split("\n\n")[0].split("\n");
      return Object.fromEntries(lines.map((line) => line.split(/ +/).toReversed()));
    },
    text: (file) => readFileSync(path.join(folder, file), "utf8"),
  };
}

const FILES = [".dev.vars.example", ".gitignore", "README.md", "package.json", "wrangler.jsonc"];
const all = (outcome) => Object.fromEntries(FILES.map((file) => [file, outcome]));

test("deploy/ in the repository is what init writes, but the secrets", (t) => {
  const { folder, init, text } = makeFolder(t);
  assert.deepEqual(init(), all("written"));
  assert.deepEqual(readdirSync(folder).sort(), [".dev.vars", ...FILES].sort());
  const committed = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard"],
    {
      cwd: TEMPLATE,
      encoding: "utf8",
    },
  );
  assert.deepEqual(committed.trim().split("\n").sort(), FILES.toSorted());
  for (const file of FILES) assert.equal(text(file), template(file), file);
});

test("secrets are generated, readable by their owner alone, and not committed", (t) => {
  const { folder, init, text } = makeFolder(t);
  init();
  assert.equal(statSync(path.join(folder, ".dev.vars")).mode & 0o777, 0o600);
  const secrets = parseEnv(text(".dev.vars"));
  for (const name of ["VTRYON_WEBHOOK_SECRET", "GATEWAY_ADMIN_TOKEN", "GATEWAY_MASTER_KEY"]) {
    assert.match(secrets[name], /^[0-9a-f]{64}$/, name);
  }
  git(folder, "init", "--quiet");
  git(folder, "add", ".");
  assert.deepEqual(git(folder, "ls-files").trim().split("\n").sort(), FILES.toSorted());
});

test("again, it changes nothing; what was changed is kept, unless --replace is given", (t) => {
  const { folder, init, text } = makeFolder(t);
  init();
  const secrets = text(".dev.vars");
  assert.deepEqual(init(), all("unchanged"));
  const changed = template("wrangler.jsonc").replace('"16"', '"64"');
  writeFileSync(path.join(folder, "wrangler.jsonc"), changed);
  assert.deepEqual(init(), { ...all("unchanged"), "wrangler.jsonc": "kept" });
  assert.equal(text("wrangler.jsonc"), changed);
  assert.deepEqual(init("--replace"), { ...all("unchanged"), "wrangler.jsonc": "replaced" });
  assert.equal(text("wrangler.jsonc"), template("wrangler.jsonc"));
  assert.equal(text(".dev.vars"), secrets);
});

/** [what is typed, what then happens to a file that was changed] */
const ANSWERS = [
  ["y", "replaced"],
  ["Yes", "replaced"],
  ["n", "kept"],
  ["", "kept"],
  ["please", "kept"],
];
for (const [answer, outcome] of ANSWERS) {
  test(`in a terminal it asks before it replaces: ${answer || "nothing"} typed, ${outcome}`, async (t) => {
    const { folder, init, text } = makeFolder(t);
    init();
    const changed = template("wrangler.jsonc").replace('"16"', '"64"');
    writeFileSync(path.join(folder, "wrangler.jsonc"), changed);
    const question = /wrangler\.jsonc differs from the template\. Replace it\? \[y\/N\] /;
    const command = [process.execPath, [COMMAND, "init"], { cwd: folder }];
    const { out, code } = await runInTerminal(...command, [[question, answer]]);
    assert.equal(code, 0, out);
    assert.match(out, new RegExp(`^${outcome} +wrangler\\.jsonc$`, "m"));
    assert.equal(out.match(/Replace it/g).length, 1, "of no file that is unchanged");
    const wanted = outcome === "kept" ? changed : template("wrangler.jsonc");
    assert.equal(text("wrangler.jsonc"), wanted);
  });
}

test("line breaks of Windows are no change", (t) => {
  const { folder, init } = makeFolder(t);
  init();
  for (const file of FILES) {
    writeFileSync(path.join(folder, file), template(file).replaceAll("\n", "\r\n"));
  }
  assert.deepEqual(init(), all("unchanged"));
});

test("a package.json and a .gitignore of one's own are completed, and keep what they have", (t) => {
  const manifest = { name: "mine", scripts: { dev: "mine" }, dependencies: { mine: "1.0.0" } };
  const { init, text } = makeFolder(t, {
    "package.json": JSON.stringify(manifest),
    ".gitignore": "mine\n/.wrangler/",
  });
  assert.deepEqual(init(), {
    ...all("written"),
    "package.json": "completed",
    ".gitignore": "completed",
  });
  const { name, scripts, dependencies, cloudflare } = JSON.parse(text("package.json"));
  const { scripts: missing, dependencies: added } = JSON.parse(template("package.json"));
  assert.equal(name, "mine");
  assert.deepEqual(scripts, { ...missing, dev: "mine" });
  assert.deepEqual(dependencies, { ...added, mine: "1.0.0" });
  assert.ok(cloudflare.bindings.GATEWAY_ADMIN_TOKEN);
  assert.equal(
    text(".gitignore"),
    "mine\n/.wrangler/\n/node_modules/\n/.vtryon-gateway/\n/.dev.vars*\n!/.dev.vars.example\n",
  );
});

test("a package.json that begins with a byte order mark is completed", (t) => {
  const { init, text } = makeFolder(t, { "package.json": '\ufeff{"name":"mine"}' });
  assert.equal(init()["package.json"], "completed");
  assert.equal(JSON.parse(text("package.json")).name, "mine");
  assert.equal(init()["package.json"], "unchanged");
});

for (const manifest of ['{ "name": "mine" } // a comment', "", "7"]) {
  test(`a package.json that is none is named, and nothing is written: ${manifest}`, (t) => {
    const { folder, run } = makeFolder(t, { "package.json": manifest });
    const { status, stdout, stderr } = run();
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^error: \S+package\.json is not valid JSON\nnpm reads no comments/);
    assert.deepEqual(readdirSync(folder), ["package.json"]);
  });
}

test("it writes into a folder that it makes", (t) => {
  const { folder, init } = makeFolder(t);
  mkdirSync(path.join(folder, "shops"));
  assert.deepEqual(init("shops/first"), all("written"));
  assert.ok(statSync(path.join(folder, "shops/first/.dev.vars")).isFile());
});

test("a configuration of another name is not shadowed: nothing is written", (t) => {
  for (const config of ["wrangler.toml", "wrangler.json"]) {
    const { folder, run } = makeFolder(t, { [config]: "mine" });
    for (const more of [[], ["--replace"]]) {
      const { status, stderr } = run(...more);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`^error: .* has ${config}, .*: nothing was written\nWrite`));
    }
    assert.deepEqual(readdirSync(folder), [config]);
  }
});

test("scripts of one's own stay, and it says what to run in their place", (t) => {
  const scripts = { dev: "vite", deploy: "vtryon-webhooks-gateway deploy" };
  const { run } = makeFolder(t, { "package.json": JSON.stringify({ scripts }) });
  const { stdout } = run();
  assert.match(
    stdout,
    /other scripts of these names.*\n {2}dev {6}npx vtryon-webhooks-gateway dev\n\n/,
  );
  assert.match(stdout, /Next:\n {2}npm install .*\n {2}npx vtryon-webhooks-gateway dev\n/);
  assert.doesNotMatch(makeFolder(t).run().stdout, /other scripts/);
});

test("it prints what installs this package: from where it is, as long as the folder does not say so itself", (t) => {
  const { folder, run } = makeFolder(t);
  const step = (stdout) => /^ {2}(npm install.*)$/m.exec(stdout)[1];
  const source = path.dirname(path.dirname(COMMAND));
  assert.equal(step(run().stdout), `npm install ${path.relative(realpathSync(folder), source)}`);
  const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  manifest.dependencies["vtryon-webhooks-gateway"] = "file:../gateway.tgz";
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
  assert.equal(step(run().stdout), "npm install");
});

test("the steps that it prints can be pasted", (t) => {
  const { folder, run } = makeFolder(t);
  const name = "the shop's $HOME";
  const [, step] = /^Next:\n {2}(cd .*)$/m.exec(run(name).stdout);
  const place = execFileSync("sh", ["-c", `${step} && pwd -P`], { cwd: folder, encoding: "utf8" });
  assert.equal(place.trim(), realpathSync(path.join(folder, name)));
});

/** Stands in for the runtime that the built Worker is asked in. */
const MINIFLARE = `export class Miniflare {
  dispatchFetch = async () => Response.json({ version: "1.2.3", schema: {} });
  dispose() {}
}`;

test("the package has the template's files alone, whatever else is in deploy/", (t) => {
  const { folder } = makeFolder(t);
  const write = (file, text = "") => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  };
  const build = "edge-worker/npm/build.mjs";
  for (const part of [build, "edge-worker/npm/lib", "edge-worker/npm/package.json"]) {
    cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  }
  for (const file of FILES) cpSync(path.join(TEMPLATE, file), path.join(folder, "deploy", file));
  write("edge-worker/build/index.js");
  write("edge-worker/build/index_bg.wasm");
  write("edge-worker/build-dashboard/index.html");
  write("node_modules/miniflare/index.mjs", MINIFLARE);
  write("node_modules/miniflare/package.json", '{ "exports": "./index.mjs" }');
  for (const name of ["commander", "wrangler"]) {
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(folder, "node_modules", name));
  }
  // What is left of a gateway that ran there.
  write("deploy/.dev.vars", "GATEWAY_ADMIN_TOKEN=of the packer");
  write("deploy/.wrangler/tmp/state");
  write("deploy/package-lock.json");
  execFileSync(process.execPath, [path.join(folder, build)]);
  assert.deepEqual(
    readdirSync(path.join(folder, "edge-worker/npm/dist/template")).sort(),
    FILES.map((file) => (file === ".gitignore" ? "gitignore" : file)).sort(),
  );
});

/** Reads settings, but those that differ on purpose: where the built files are, and what the Free plan refuses. */
async function settings(file) {
  const { $schema, main, build, limits, assets, ...same } = await readConfig(path.join(ROOT, file));
  return { ...same, assets: { ...assets, directory: "" } };
}

test("the template has the settings of wrangler.toml", async () => {
  assert.deepEqual(await settings("deploy/wrangler.jsonc"), await settings("wrangler.toml"));
});

test("the template explains every variable and every secret", async () => {
  const bindings = ["TASK_SHARD", "DIRECTORY", "RESULTS"];
  const names = variables();
  const described = Object.entries(JSON.parse(template("package.json")).cloudflare.bindings);
  const secrets = Object.keys(parseEnv(template(".dev.vars.example")));
  assert.ok(names.length >= 12);
  for (const name of new Set([...names, ...bindings])) {
    const places = `${template("wrangler.jsonc")}${template(".dev.vars.example")}`;
    assert.match(places, new RegExp(`(//.*|#.*)\\n.*\\b${name}\\b`), name);
  }
  for (const name of [...secrets, ...Object.keys((await settings("deploy/wrangler.jsonc")).vars)]) {
    const description = described.find(([described]) => described === name)?.[1].description;
    assert.ok(description?.length > 20, `${name} has a description for the button`);
  }
});

test("the secrets that are generated and checked are those that a deployment needs", () => {
  assert.deepEqual(REQUIRED, requiredSecrets());
});

test("no value of a secret is in the template: the button would offer it to everybody", () => {
  assert.deepEqual([...new Set(Object.values(parseEnv(template(".dev.vars.example"))))], [""]);
});

test("versions are in step", () => {
  const { version, dependencies } = JSON.parse(read("edge-worker/npm/package.json"));
  assert.equal(
    JSON.parse(template("package.json")).dependencies["vtryon-webhooks-gateway"],
    version,
  );
  assert.equal(/^version = "(.+)"$/m.exec(read("Cargo.toml"))[1], version);
  const tools = JSON.parse(read("package.json")).devDependencies;
  for (const [name, pinned] of Object.entries(dependencies))
    assert.equal(pinned, tools[name], name);
});
