// A machine that has Node and a shell, but no Rust compiler, with the package as its users get it.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { packedOf } from "../../../scripts/release/tools.mjs";

export const ROOT = path.resolve(import.meta.dirname, "../../..");
export const NAME = "vtryon-webhooks-gateway";

const PROGRAMS = ["bash", "sh", "env", "npm", "npx", "git", "curl", "openssl", "sed", "cp"];

const KEPT =
  /^(HOME|(https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|npm_config_(cache|cafile|https_proxy|noproxy|proxy|registry|userconfig))$/i;

/** What npm needs of an environment to reach a registry, or its cache, also by a proxy with certificates of its own. */
export const keptOf = (environment) =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => KEPT.test(name)));

export class Machine {
  folder = mkdtempSync(path.join(tmpdir(), "vtryon-gateway-"));

  constructor() {
    const bin = path.join(this.folder, "bin");
    mkdirSync(bin);
    symlinkSync(process.execPath, path.join(bin, "node"));
    for (const name of PROGRAMS) {
      const find = ["-c", 'type -P "$1"', "bash", name];
      symlinkSync(execFileSync("bash", find, { encoding: "utf8" }).trim(), path.join(bin, name));
    }
    /** The environment of every command: nothing of the tree's own tools is on its PATH. */
    this.env = {
      npm_config_cache: path.join(process.env.HOME, ".npm"),
      ...keptOf(process.env),
      PATH: bin,
      CI: "1",
    };
    const args = ["pack", "--json", "--pack-destination", this.folder];
    const packed = packedOf(this.run("npm", args, path.join(ROOT, "edge-worker/npm")));
    /** What npm says of the tarball: `size`, `unpackedSize`, `files`. */
    this.about = packed;
    this.tarball = path.join(this.folder, packed.filename);
  }

  /** Returns the path of a new folder. */
  makeFolder(name) {
    const folder = path.join(this.folder, name);
    mkdirSync(folder);
    return folder;
  }

  /** Runs a command; what it printed is shown where it fails. */
  run(command, args, cwd, env = {}) {
    try {
      return execFileSync(command, args, {
        cwd,
        env: { ...this.env, ...env },
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      throw new Error(
        `${command} ${args.join(" ")}\n${error.stdout ?? ""}${error.stderr ?? error.message}`,
      );
    }
  }

  /** Installs the package into a folder. No script of any package runs, so nothing is compiled or downloaded by one. */
  install(folder) {
    const quiet = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    this.run("npm", ["install", ...quiet, this.tarball], folder);
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The path of the installed command. */
export const commandIn = (folder) => path.join(folder, "node_modules/.bin", NAME);
