// The processes of this machine as the gateway recognises its own.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { end, identity, processes } from "../../edge-worker/npm/lib/local/processes.js";
import { within } from "../support/wait.js";

const LISTING = path.resolve(import.meta.dirname, "../../edge-worker/npm/lib/local/processes.js");

/** Lists processes by `ps`, as on macOS, and prints this one's. */
const PROGRAM = `
Object.defineProperty(process, "platform", { value: "darwin" });
const { processes } = await import(${JSON.stringify(LISTING)});
console.log(JSON.stringify(processes().get(${process.pid})));
`;

function listed(env) {
  const args = ["--input-type=module", "-e", PROGRAM];
  const out = execFileSync(process.execPath, args, {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  return JSON.parse(out);
}

test("by ps a process is the same in every language and time zone", () => {
  const here = listed({});
  const { pid, ppid } = processes().get(process.pid);
  assert.deepEqual([here.pid, here.ppid], [pid, ppid]);
  assert.match(here.start, /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d+ \d\d:\d\d:\d\d \d{4}$/);
  const abroad = listed({ TZ: "Asia/Tokyo", LC_ALL: "de_DE.UTF-8", LANG: "de_DE.UTF-8" });
  // Linux reckons it from the time since the start of the machine, each time anew: to a second.
  const apart = Math.abs(Date.parse(abroad.start) - Date.parse(here.start));
  assert.ok(apart <= 1000, `${abroad.start}, not ${here.start}`);
});

test("a process that does not end when it is asked is killed, also while the machine's clock is set back", async (t) => {
  const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('deaf');";
  const child = spawn(process.execPath, ["-e", deaf], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit");
  await within("the process to run", once(child.stdout, "data"));
  let now = Date.now();
  t.mock.method(Date, "now", () => (now -= 1000));
  await within("its end", end([identity(processes().get(child.pid))], 100));
  assert.deepEqual(await ended, [null, "SIGKILL"]);
});
