// Who listens on a port.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { processes } from "./processes.js";

/**
 * Parses a port.
 * @param {string} text
 * @param {string} name what it is the value of, for the error
 */
export function parsePort(text, name) {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new Error(`${name} is '${text}', not a number from 1 to 65535`);
}

/**
 * Returns whether nobody listens on 127.0.0.1:`port`. Throws where it can't be listened on for another reason.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isFree(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (/** @type {NodeJS.ErrnoException} */ { code }) => {
      if (code === "EADDRINUSE") resolve(false);
      else reject(new Error(`port ${port} cannot be listened on (${code}): set PORT to another`));
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/**
 * Describes the holder of a port, for an error line.
 * @param {number} port
 */
export function holder(port) {
  const pid = listener(port);
  return pid ? `process ${pid} (${command(pid)})` : "a process of another user";
}

/**
 * Returns the id of the process that listens on `port`, if we may know it.
 * @param {number} port
 */
export function listener(port) {
  const find =
    { linux: pidFromProc, win32: pidFromNetstat }[String(process.platform)] ?? pidFromLsof;
  const pid = find(port);
  return pid ? Number(pid) : undefined;
}

/** @param {number} port */
function pidFromProc(port) {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listening = "0A";
  const sockets = ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((file) => contentOf(file).trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) && state === listening)
    .map((fields) => `socket:[${fields[9]}]`);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => links(`/proc/${pid}/fd`).some((link) => sockets.includes(link)));
}

/**
 * Returns what a file in /proc has. There is none of IPv6 where it is switched off, nor of a process that has just ended.
 * @param {string} file
 */
function contentOf(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** @param {string} folder */
function links(folder) {
  try {
    return readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`));
  } catch {
    // Another user's, or it just ended.
    return [];
  }
}

/** @param {number} port */
function pidFromLsof(port) {
  const found = spawnSync("lsof", ["-nP", "-t", `-iTCP:${port}`, "-sTCP:LISTEN"], {
    encoding: "utf8",
  });
  return found.stdout?.split("\n")[0];
}

/** @param {number} port */
function pidFromNetstat(port) {
  const { stdout } = spawnSync("netstat", ["-ano", "-p", "TCP"], {
    encoding: "utf8",
    windowsHide: true,
  });
  return new RegExp(`:${port}\\s+\\S+:0\\s+\\S+\\s+(\\d+)`).exec(stdout ?? "")?.[1];
}

/** @param {number} pid */
function command(pid) {
  if (process.platform === "win32") return processes().get(pid)?.name ?? "";
  const words =
    process.platform === "linux"
      ? contentOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ")
      : spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout;
  return words.trim().slice(0, 120);
}
