// Runs the packed gateway as its user does, on any platform: made by `init`, installed, started, asked, ended.
//     node tests/gateway/run-package.mjs vtryon-webhooks-gateway-0.1.0.tgz
//
// Needs Node and npm alone: CI runs it on Windows and macOS, where `make test` does not run.

import assert from "node:assert/strict";
import { execSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { end, runs } from "../../edge-worker/npm/lib/local/processes.js";
import { startForeground } from "../support/foreground.js";
import { freePort } from "../support/free-port.js";

const tarball = process.argv[2];
if (tarball === undefined) throw new Error("usage: run-package.mjs TARBALL");

const folder = mkdtempSync(path.join(tmpdir(), "vtryon-run-"));
const own = path.join(folder, "gateway");
copyFileSync(tarball, path.join(folder, path.basename(tarball)));

/** Runs a line in the platform's shell, and returns what it prints. */
function run(line, cwd) {
  console.log(`> ${line}`);
  return execSync(line, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

const name = path.basename(tarball);
const printed = run(`npx --yes --package ./${name} vtryon-webhooks-gateway init gateway`, folder);
// As it says what comes next.
run(/^ {2}(npm install .*)$/m.exec(printed)[1], own);

console.log("> npm run dev");
const env = { ...process.env, PORT: String(await freePort()) };
const dev = await startForeground("npm run dev", [], { cwd: own, shell: true, env });
assert.ok(dev.ready, dev.err);

const health = await (await fetch(`${dev.ready}/healthz`)).json();
console.log(health);
assert.equal(health.status, "ok");
assert.match(await (await fetch(dev.ready)).text(), /<title>/, "the dashboard");

const lock = path.join(own, ".vtryon-gateway/state/lock");
const { supervisor, children } = JSON.parse(readFileSync(lock, "utf8"));
await end([supervisor, ...children]);
await dev.ended;
assert.ok(![supervisor, ...children].some((one) => runs(one)), "all processes have ended");
rmSync(folder, { recursive: true, maxRetries: 10 });
console.log("ended");
