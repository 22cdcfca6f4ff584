// Redis of Debian's packages with every write on disk before it is answered.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "../../tests/support/free-port.js";
import { requireProgram, startUntil } from "./server.js";

const PROGRAM = "/usr/bin/redis-server";

/** Makes a database in a folder of its own. */
export async function makeRedis() {
  requireProgram(PROGRAM, "redis-server");
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-redis-"));
  const port = await freePort();
  const settings = {
    port,
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: "yes",
    appendfsync: "always",
    "maxmemory-policy": "noeviction",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  return {
    variables: { REDIS_PORT: String(port) },
    start: () => startUntil("Ready to accept connections", PROGRAM, args, { cwd: folder }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
