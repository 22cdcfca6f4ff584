// The package as its users get it: packed, and installed into a project of its own.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { packedOf } from "../../../scripts/release/tools.mjs";

export const PACKAGE = path.resolve(import.meta.dirname, "../..");
export const ROOT = path.resolve(PACKAGE, "..");

/** Runs a command; what it printed is shown where it fails. */
export function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: "pipe", ...options });
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}\n${error.stdout}${error.stderr}`);
  }
}

/** Packs the package once, as `npm publish` would; projects are made of that. */
export class Packed {
  #folder = mkdtempSync(path.join(tmpdir(), "vtryon-packed-"));

  constructor() {
    const args = ["pack", "--json", "--pack-destination", this.#folder];
    const packed = packedOf(run("npm", args, { cwd: PACKAGE }));
    /** What npm says of the tarball: `size`, `unpackedSize`, `files`. */
    this.about = packed;
    this.tarball = path.join(this.#folder, packed.filename);
  }

  /** Makes a project with the package, some files, and links to `linked` packages of this tree. */
  project(name, files, linked = []) {
    const folder = path.join(this.#folder, name);
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
    run("npm", ["install", "--offline", "--no-audit", "--no-fund", this.tarball], { cwd: folder });
    for (const link of linked) {
      const place = path.join(folder, "node_modules", link);
      mkdirSync(path.dirname(place), { recursive: true });
      symlinkSync(path.join(ROOT, "node_modules", link), place);
    }
    return folder;
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
