// PostgreSQL of Debian's packages with its own settings, which are durable ones.

import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PROGRAMS, unprivileged } from "../../node-binding/test/stores/support/postgres-server.js";
import { freePort } from "../../tests/support/free-port.js";
import { requireProgram, startUntil } from "./server.js";

/** Makes a database in a folder of its own. */
export async function makePostgres() {
  requireProgram(PROGRAMS, "postgresql");
  const as = unprivileged();
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-postgres-"));
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid);
  const data = path.join(folder, "data");
  const port = await freePort();
  const options = { ...as, cwd: folder };
  const initialise = ["-D", data, "-U", "vtryon", "-A", "trust", "-E", "UTF8"];
  execFileSync(path.join(PROGRAMS, "initdb"), initialise, { ...options, stdio: "pipe" });
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories="];
  const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  return {
    variables: {
      POSTGRES: JSON.stringify({ host: "127.0.0.1", port, user: "vtryon", database: "postgres" }),
    },
    start: () =>
      startUntil("ready to accept connections", path.join(PROGRAMS, "postgres"), args, options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
