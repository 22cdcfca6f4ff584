// Runs the gateway on this machine, on workerd through `wrangler dev`, in the
// foreground, until a signal ends it or it dies.
//     PORT=8787 STATE_DIR=.cache/state node scripts/dev.mjs [--follow-parent]
//
// --follow-parent   ends when the parent does: make, killed with -9, cannot
//                   tell its child to stop
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { example } from "./dev/example.mjs";
import { take } from "./dev/lock.mjs";
import { holder, isFree, listener } from "./dev/port.mjs";
import { end, processes, runs } from "./dev/processes.mjs";
import { loadSecrets } from "./dev/secrets.mjs";

const root = resolve(import.meta.dirname, "..");
const bin = join(root, "node_modules/.bin");
const state = resolve(process.env.STATE_DIR || join(root, ".cache/state"));
const port = Number(process.env.PORT || 8787);
const url = `http://127.0.0.1:${port}`;

let lock;
let stopping = false;

async function stop(code, reason) {
  if (stopping) return;
  stopping = true;
  if (reason) console.error(`error: ${reason}`);
  if (lock) {
    lock.update();
    await end(lock.children);
    lock.release();
  }
  process.exit(code);
}

async function main() {
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`PORT is '${process.env.PORT}', not a number from 1 to 65535`);
  }
  mkdirSync(state, { recursive: true, mode: 0o700 });
  lock = await take(join(state, "lock"), process.argv.includes("--follow-parent"));
  if (!(await isFree(port))) throw new Error(`port ${port} is taken by ${holder(port)}`);

  const { secrets, files } = loadSecrets(join(root, ".dev.vars"), join(state, "env"));
  const wrangler = startWrangler(files);
  wrangler.once("error", (error) => stop(1, `wrangler cannot be started: ${error.message}`));
  wrangler.once("exit", (code, signal) => stop(1, `wrangler ended (${signal ?? `code ${code}`})`));
  lock.update();

  await watchUntil(serves);
  console.log(example(url, secrets));
  console.log(`ready ${url}`);
  await watchUntil(deathOfRuntime());
  await stop(1, "workerd died");
}

/**
 * Tells, asked again and again, when workerd has died for good. wrangler runs
 * two: one listens and lasts; the other runs the Worker, and wrangler replaces
 * it after a rebuild and restarts it after a crash, which takes a moment.
 */
function deathOfRuntime() {
  const front = processes().get(listener(port));
  const expected = countRuntimes();
  let missingSince;
  return () => {
    if (front && !runs(front)) return true;
    if (countRuntimes() >= expected) missingSince = undefined;
    else missingSince ??= Date.now();
    return missingSince !== undefined && Date.now() - missingSince > 3000;
  };
}

function countRuntimes() {
  const children = new Set(lock.children.map(({ pid }) => pid));
  return [...processes().values()].filter(
    ({ pid, name }) => children.has(pid) && name.startsWith("workerd"),
  ).length;
}

function startWrangler(envFiles) {
  const options = [
    ["--local", "--ip", "127.0.0.1", "--port", port, "--inspector-port", "0"],
    ["--persist-to", state, "--show-interactive-dev-session=false"],
    // The backend that is developed beside it listens on loopback.
    ["--var", "ALLOW_INSECURE_ENDPOINTS:1"],
    ...envFiles.map((file) => ["--env-file", file]),
  ];
  return spawn(join(bin, "wrangler"), ["dev", ...options.flat().map(String)], {
    cwd: root,
    // A group of its own: Ctrl-C reaches us alone, and we end the children.
    detached: true,
    // Standard output is for what the user pastes and scripts wait for.
    stdio: ["ignore", process.stderr, process.stderr],
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_WRITE_LOGS: "false",
      // Gateways that run beside each other do not look for each other.
      WRANGLER_REGISTRY_PATH: join(state, "registry"),
    },
  });
}

/** Keeps the lock up to date and asks `done` again and again, until it says so. */
async function watchUntil(done) {
  while (!stopping) {
    lock.update();
    if (lock.orphaned) return stop(1, "the process that started this one is gone");
    if (await done()) return;
    await sleep(250);
  }
  // `stop` ends the process.
  return new Promise(() => {});
}

let refusedSince;

async function serves() {
  try {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5000) });
    if (answer.ok) return true;
    refusedSince ??= Date.now();
    if (Date.now() - refusedSince > 3000) {
      await stop(1, `the gateway answers ${answer.status}: its log above says why`);
    }
  } catch {
    // Not listening yet.
  }
  return false;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => stop(128 + constants.signals[signal]));
}
// Who reads our output may go before we do.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
main().catch((error) => stop(1, error.message));
