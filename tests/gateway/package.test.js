// The package with the gateway as its users meet it: installed without a Rust compiler, used, killed, started again.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { parseEnv } from "node:util";
import { end, processes } from "../../edge-worker/npm/lib/local/processes.js";
import { block, read } from "../pages.js";
import { follow, paste, startForeground } from "../support/foreground.js";
import { freePort } from "../support/free-port.js";
import { commandIn, Machine, NAME, ROOT } from "./support/machine.js";

const VERSION = JSON.parse(read("edge-worker/npm/package.json")).version;
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);

let machine;
/** The folder that `init` has written, with the package installed. */
let own;
/** What `init` has printed. */
let printed;
before(() => {
  const start = performance.now();
  machine = new Machine();
  const tool = machine.makeFolder("tool");
  machine.install(tool);
  own = path.join(machine.folder, "own");
  printed = machine.run(commandIn(tool), ["init", "own"], machine.folder);
  machine.install(own);
  console.log(`two installations and init: ${seconds(start)} s`);
});
after(async () => {
  // What a failed test has left running.
  for (const name of readdirSync(machine.folder)) {
    const lock = lockOf(path.join(machine.folder, name));
    if (!existsSync(lock)) continue;
    const { supervisor, children } = JSON.parse(readFileSync(lock, "utf8"));
    await end([supervisor, ...children]);
  }
  machine.remove();
});

const lockOf = (folder) => path.join(folder, ".vtryon-gateway/state/lock");

/** Starts `npm run dev` in a folder, or another command. */
async function start(folder, command = "npm", args = ["run", "dev"]) {
  const env = { ...machine.env, PORT: String(await freePort()) };
  return startForeground(command, args, { cwd: folder, env });
}

/** Returns the processes of the gateway of a folder: the one that supervises, and its children. */
function gatewayOf(folder) {
  return JSON.parse(readFileSync(lockOf(folder), "utf8"));
}

async function stop(dev, folder) {
  process.kill(gatewayOf(folder).supervisor.pid, "SIGTERM");
  await dev.ended;
}

/** Returns the environment of the README's lines. */
function shellEnv(url, devVars) {
  const secrets = parseEnv(readFileSync(devVars, "utf8"));
  return {
    ...machine.env,
    URL: url,
    SECRET: secrets.VTRYON_WEBHOOK_SECRET,
    TOKEN: secrets.GATEWAY_ADMIN_TOKEN,
  };
}

test("the machine has no Rust compiler, and nothing of the tree on its PATH", () => {
  for (const name of ["cargo", "rustc", "wrangler", "workerd", "esbuild"]) {
    assert.equal(spawnSync(name, ["--version"], { env: machine.env }).error?.code, "ENOENT", name);
  }
});

test("publint finds nothing", () => {
  machine.run(path.join(ROOT, "node_modules/.bin/publint"), ["run", "--strict", machine.tarball]);
});

test("the tarball holds the built gateway and its sources' licences, and has no install scripts", () => {
  const manifest = JSON.parse(read("edge-worker/npm/package.json"));
  assert.equal(manifest.scripts, undefined);
  const files = machine.about.files.map((file) => file.path);
  for (const file of [
    "dist/worker/index.js",
    "dist/worker/index_bg.wasm",
    "dist/dashboard/index.html",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
  ]) {
    assert.ok(files.includes(file), file);
  }
  console.log(`tarball: ${machine.about.size} bytes, unpacked ${machine.about.unpackedSize}`);
});

test("init prints how the tarball that it comes from is installed", () => {
  const tarball = path.basename(machine.tarball);
  assert.ok(printed.endsWith(`\nNext:\n  cd own\n  npm install ../${tarball}\n  npm run dev\n\n`));
});

test("kill -9: a new start works, and what was acknowledged is there", async () => {
  const readme = readFileSync(path.join(own, "README.md"), "utf8");
  const began = performance.now();
  const dev = await start(own);
  assert.ok(dev.ready, dev.err);
  console.log(`from the command to ready: ${seconds(began)} s`);
  const env = shellEnv(dev.ready, path.join(own, ".dev.vars"));
  const task = follow(env, readme);
  assert.deepEqual([task.status, task.events.length], ["queued", 1]);
  const { supervisor, children } = gatewayOf(own);
  process.kill(supervisor.pid, "SIGKILL");
  await dev.ended;

  const again = await start(own);
  assert.ok(again.ready, again.err);
  const still = follow({ ...env, URL: again.ready }, readme);
  assert.deepEqual([still.status, still.events], ["queued", task.events]);
  const alive = processes();
  for (const { pid, start } of children) {
    assert.notEqual(alive.get(pid)?.start, start, `process ${pid} was left`);
  }
  await stop(again, own);
});

test("a start prints what can be pasted, and nothing that looks like an error", async () => {
  const dev = await start(own);
  assert.ok(dev.ready, dev.err);
  assert.match(paste(dev, machine.env), /^\{"received":true\}\n\{"task_id":"task_123".*\}\n$/);
  assert.doesNotMatch(dev.err, /error|exception|fail|\n\s+at /i);
  await stop(dev, own);
});

test("dev alone works in an empty folder, and leaves a hidden one", async () => {
  const empty = machine.makeFolder("empty");
  const dev = await start(empty, commandIn(own), ["dev"]);
  assert.ok(dev.ready, dev.err);
  assert.deepEqual(readdirSync(empty), [".vtryon-gateway"]);
  const task = follow(shellEnv(dev.ready, path.join(empty, ".vtryon-gateway/.dev.vars")));
  assert.equal(task.status, "queued");
  const page = await (await fetch(dev.ready)).text();
  assert.match(page, /<title>/, "the dashboard is served");
  await stop(dev, empty);
  // Nothing that git would commit.
  machine.run("git", ["init", "--quiet"], empty);
  assert.equal(machine.run("git", ["status", "--porcelain"], empty), "");
});

test("a dry run of wrangler deploy packs the folder", () => {
  const out = machine.run("npx", ["wrangler", "deploy", "--dry-run"], own);
  assert.match(out, /Total Upload: .* gzip/);
  for (const binding of ["TASK_SHARD", "DIRECTORY", "RESULTS"]) assert.match(out, RegExp(binding));
  assert.match(machine.run("npm", ["run", "deploy", "--", "--dry-run"], own), /Total Upload/);
});

test("the lines of the README make a folder from the tarball and run the gateway in it", async () => {
  const clone = machine.makeFolder("vtryon-webhooks");
  copyFileSync(machine.tarball, path.join(clone, path.basename(machine.tarball)));
  const [pack, ...lines] = block("gateway-package").trim().split("\n");
  // The tarball is packed already; what serves until it is stopped is started as the other tests do it.
  assert.match(pack, /^make gateway-package +# packs /);
  assert.ok(pack.endsWith(path.basename(machine.tarball)), pack);
  assert.match(lines.pop(), /^npm run dev +# /);
  // npx asks whether it may install the tarball.
  const options = ["prefer_offline", "ignore_scripts", "yes"];
  const env = Object.fromEntries(options.map((name) => [`npm_config_${name}`, "true"]));
  const out = machine.run("bash", ["-euo", "pipefail", "-c", lines.join("\n")], clone, env);
  // From npx too, `init` prints how the tarball is installed.
  assert.match(out, new RegExp(`^ {2}npm install \\S+/${path.basename(machine.tarball)}$`, "m"));
  const folder = path.join(machine.folder, "gateway");
  const dev = await start(folder);
  assert.ok(dev.ready, dev.err);
  await stop(dev, folder);
});

test("npx runs the command from the tarball", () => {
  const folder = machine.makeFolder("npx");
  const args = ["--yes", "--prefer-offline", "--package", machine.tarball, NAME, "--version"];
  assert.equal(machine.run("npx", args, folder).trim(), VERSION);
});

test("a mistake is told in two lines, without a stack trace", () => {
  const folder = machine.makeFolder("mistakes");
  for (const [args, message] of [
    [["deploy"], /has no wrangler\.jsonc\nWrite one with: npx vtryon-webhooks-gateway init/],
    [["dev", "--port", "http"], /^error: the port is 'http', not a number from 1 to 65535/],
    [["doctor", "gateway"], /^error: 'gateway' is not a URL\n/],
    [["develop"], /unknown command/],
  ]) {
    const { status, stderr } = spawnSync(commandIn(own), args, { cwd: folder, env: machine.env });
    assert.ok(status > 0, args.join(" "));
    assert.match(stderr.toString(), message);
    assert.doesNotMatch(stderr.toString(), /\n\s+at /);
  }
});

test("from nothing to ready", async () => {
  const folder = machine.makeFolder("fresh");
  const began = performance.now();
  machine.run(commandIn(own), ["init"], folder);
  machine.install(folder);
  const installed = performance.now();
  const dev = await start(folder);
  assert.ok(dev.ready, dev.err);
  console.log(`from nothing to ready: ${seconds(began)} s (warm npm cache)`);
  console.log(`from npm install to ready: ${seconds(installed)} s`);
  await stop(dev, folder);
});
