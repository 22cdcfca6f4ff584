// A folder as `init` writes it, with the package installed, beside a Cloudflare of its own.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "../../support/run.js";
import { runInTerminal } from "../../support/terminal.js";
import { FakeCloudflare } from "./fake-cloudflare.js";
import { NAME, ROOT } from "./machine.js";

const PACKAGE = path.join(ROOT, "edge-worker/npm");
const COMMAND = path.join(PACKAGE, "bin/vtryon-webhooks-gateway.js");

/** The secrets that a gateway needs. */
export const SECRETS = ["VTRYON_WEBHOOK_SECRET", "GATEWAY_ADMIN_TOKEN", "GATEWAY_MASTER_KEY"];
/** What the gateway takes for each of them. */
export const VALUE = "0f".repeat(32);
/** All of them, as a file for `deploy --secrets-file`. */
export const SECRETS_FILE = SECRETS.map((name) => `${name}=${VALUE}\n`).join("");

export class Deployment {
  folder = mkdtempSync(path.join(tmpdir(), "vtryon-deploy-"));
  config = path.join(this.folder, "wrangler.jsonc");

  /** @param {FakeCloudflare} cloudflare */
  constructor(cloudflare) {
    this.cloudflare = cloudflare;
    cpSync(path.join(ROOT, "deploy/wrangler.jsonc"), this.config);
    mkdirSync(path.join(this.folder, "node_modules"));
    symlinkSync(PACKAGE, path.join(this.folder, "node_modules", NAME));
  }

  static async start() {
    return new Deployment(await FakeCloudflare.start());
  }

  /** The Worker on Cloudflare that the configuration names, or that of one of its environments. */
  worker(environment) {
    return this.cloudflare.workers[["vtryon-webhooks", environment].filter(Boolean).join("-")];
  }

  #options(env = {}) {
    const { PATH } = process.env;
    return { cwd: this.folder, env: { PATH, HOME: this.folder, ...this.cloudflare.env, ...env } };
  }

  /** Runs the command in the folder, in a terminal. */
  runInTerminal(args, answers, env) {
    return runInTerminal(process.execPath, [COMMAND, ...args], this.#options(env), answers);
  }

  /** Runs the command in the folder, without a terminal. */
  run(args, env) {
    return run(process.execPath, [COMMAND, ...args], this.#options(env));
  }

  /** Replaces a text of the configuration. */
  replace(from, to) {
    writeFileSync(this.config, readFileSync(this.config, "utf8").replace(from, to));
  }

  /** Writes a file into the folder, and returns its path. */
  write(name, content) {
    const file = path.join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  stop() {
    this.cloudflare.stop();
    rmSync(this.folder, { recursive: true });
  }
}
