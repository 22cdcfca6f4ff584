// Who listens on a port, as /proc tells it on Linux, and whether one is free.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { test } from "node:test";
import { holder, isFree, listener } from "../../edge-worker/npm/lib/local/port.js";
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

test("a port that may not be listened on is not said to be taken", async (t) => {
  const refused = Object.assign(new Error("permission denied"), { code: "EACCES" });
  t.mock.method(net.Server.prototype, "listen", function () {
    process.nextTick(() => this.emit("error", refused));
    return this;
  });
  await assert.rejects(isFree(80), /^Error: port 80 cannot be listened on \(EACCES\)/);
});
