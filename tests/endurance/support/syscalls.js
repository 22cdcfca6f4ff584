// Which system calls a runtime makes between a request and its answer, as strace writes them down.

import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const CALLS = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync";

/** What a line of strace says, as far as it matters here. */
const LINES = [
  ["request", /(read|readv|recvfrom|recvmsg)(\(| resumed>).*"POST \/webhooks\/vtryon /],
  ["answer", /(write|writev|sendto|sendmsg)\(.*"HTTP\/1\.1 (\d+)/],
  // A call of another thread may come between its beginning and its end: the end counts.
  ["sync", /(fsync|fdatasync)(\(\d+<.*>\)| resumed>\)) += 0$/],
];

/** Returns the kinds of the lines of a trace that matter: `request`, `sync` and `answer`, in order. */
export function kindsOf(lines) {
  const kindOf = (line) => LINES.find(([, pattern]) => pattern.test(line))?.[0];
  return lines.map(kindOf).filter(Boolean);
}

/** Counts the syncs between each request and its answer, where one request is in progress at a time. */
export function syncsBetween(kinds) {
  const counts = [];
  let syncs;
  for (const kind of kinds) {
    if (kind === "request") syncs = 0;
    if (kind === "sync" && syncs !== undefined) syncs += 1;
    if (kind === "answer" && syncs !== undefined) {
      counts.push(syncs);
      syncs = undefined;
    }
  }
  return counts;
}

/** A file that strace writes to. */
export class Trace {
  #folder = mkdtempSync(path.join(tmpdir(), "vtryon-trace-"));
  #read = 0;

  get #file() {
    return path.join(this.#folder, "calls");
  }

  /**
   * The command that runs another one under strace: with `-D` in the process that was spawned, so that its id is that
   * of the traced command. Only the traced calls stop it.
   */
  get command() {
    const options = ["-D", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "32"];
    return ["strace", ...options, "-e", `trace=${CALLS}`, "-o", this.#file];
  }

  /** Returns the whole lines that were written since the last time. */
  read() {
    const file = openSync(this.#file, "r");
    const chunks = [];
    const buffer = Buffer.alloc(1 << 16);
    for (let at = this.#read; ; ) {
      const count = readSync(file, buffer, 0, buffer.length, at);
      if (count === 0) break;
      chunks.push(Buffer.from(buffer.subarray(0, count)));
      at += count;
    }
    closeSync(file);
    const text = Buffer.concat(chunks).toString("latin1");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    this.#read += whole.length;
    return whole.split("\n").slice(0, -1);
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
