// Who listens on a port.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";

/** Whether 127.0.0.1:`port` can be listened on. */
export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** The holder in words, for an error line. */
export function holder(port) {
  const pid = listener(port);
  return pid ? `process ${pid} (${command(pid)})` : "a process of another user";
}

/** The id of the process that listens on `port`, if we may know it. */
export function listener(port) {
  const pid = process.platform === "linux" ? pidFromProc(port) : pidFromLsof(port);
  return pid ? Number(pid) : undefined;
}

function pidFromProc(port) {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listening = "0A";
  const sockets = ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((file) => readFileSync(file, "utf8").trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local.endsWith(suffix) && state === listening)
    .map((fields) => `socket:[${fields[9]}]`);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => links(`/proc/${pid}/fd`).some((link) => sockets.includes(link)));
}

function links(folder) {
  try {
    return readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`));
  } catch {
    // Another user's, or it just ended.
    return [];
  }
}

function pidFromLsof(port) {
  const found = spawnSync("lsof", ["-nP", "-t", `-iTCP:${port}`, "-sTCP:LISTEN"], {
    encoding: "utf8",
  });
  return found.stdout?.split("\n")[0];
}

function command(pid) {
  const words =
    process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
      : spawnSync("ps", ["-o", "args=", "-p", pid], { encoding: "utf8" }).stdout;
  return words.trim().slice(0, 120);
}
