// A PostgreSQL server of Debian's packages for one test file, in a folder of its own, on a socket in it.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { skipWithout } from "../../../../tests/support/skip.js";
import { within } from "../../../../tests/support/wait.js";

/** Where the programs are; undefined where none are installed. */
export const PROGRAMS = globSync("/usr/lib/postgresql/*/bin").sort().at(-1);

/** Why tests that need it are skipped. */
export const skip = skipWithout("PostgreSQL", PROGRAMS !== undefined);

/** As whom it runs: it refuses to run as root. */
export function unprivileged() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync("id", [flag, "postgres"]));
  return { uid: id("-u"), gid: id("-g") };
}

/** Starts a server; returns how to connect to it and how to stop it. */
export async function startPostgres() {
  const as = unprivileged();
  const folder = mkdtempSync(join(tmpdir(), "vtryon-postgres-"));
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid);
  const data = join(folder, "data");
  const initialise = ["-D", data, "-U", "vtryon", "-A", "trust", "-E", "UTF8", "--no-sync"];
  execFileSync(join(PROGRAMS, "initdb"), initialise, { ...as, cwd: folder, stdio: "pipe" });
  const settings = ["listen_addresses=", `unix_socket_directories=${folder}`, "fsync=off"];
  const server = spawn(
    join(PROGRAMS, "postgres"),
    ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
    { ...as, cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = once(server, "exit");
  const stop = async () => {
    server.kill("SIGQUIT");
    await within("the end of postgres", ended);
    rmSync(folder, { recursive: true });
  };
  const lines = createInterface(server.stderr);
  for await (const line of lines) {
    if (!line.includes("ready to accept connections")) continue;
    server.stderr.resume();
    return { connection: { host: folder, user: "vtryon", database: "postgres" }, stop };
  }
  await stop();
  throw new Error("postgres has ended");
}
