// Who listens on a port, as /proc tells it on Linux.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import { holder, listener } from "../../edge-worker/npm/lib/local/port.js";
import { emitted } from "../support/wait.js";

const PROGRAM = `
const server = require("node:net").createServer();
server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;

for (const [why, missing] of [
  ["IPv6 is switched off", () => "/proc/net/tcp6"],
  ["the process has just ended", (pid) => `/proc/${pid}/cmdline`],
]) {
  test(`the process is found where ${missing("PID")} is not there: ${why}`, async (t) => {
    const child = spawn(process.execPath, ["-e", PROGRAM], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    const [port] = await emitted(child.stdout, "data");
    const { readFileSync } = fs;
    t.mock.method(fs, "readFileSync", (path, ...rest) => {
      if (path === missing(child.pid)) throw new Error("ENOENT: no such file or directory");
      return readFileSync(path, ...rest);
    });
    t.after(syncBuiltinESMExports);
    syncBuiltinESMExports();
    assert.equal(listener(Number(port)), child.pid);
    assert.match(holder(Number(port)), new RegExp(`^process ${child.pid} \\(`));
  });
}
