// Runs the gateway on this machine, on workerd through `wrangler dev`, in the foreground, until a signal ends it or it
// dies.

import { mkdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawnWrangler } from "../package.js";
import { example } from "./example.js";
import { take } from "./lock.js";
import { holder, isFree, listener } from "./port.js";
import { processes, runs, SURVEY_MS, signal } from "./processes.js";
import { loadSecrets } from "./secrets.js";

/**
 * @typedef {object} RunOptions
 * @property {string} config path of wrangler's configuration
 * @property {string} devVars path of the file with the secrets; missing ones are generated into it
 * @property {string} state the folder of the state
 * @property {number} port
 * @property {boolean} [followParent] whether to end when the parent does: make, killed with -9, cannot tell its child
 *   to stop
 */

/**
 * Runs the gateway. Ends the process when the gateway ends, so this never returns.
 * @param {RunOptions} options
 */
export async function runGateway(options) {
  const gateway = new LocalGateway(options);
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => gateway.stop(128 + constants.signals[signal]));
  }
  // Who reads our output may go before we do.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  try {
    await gateway.run();
  } catch (error) {
    await gateway.stop(1, /** @type {Error} */ (error).message);
  }
}

class LocalGateway {
  #options;
  #url;
  /** @type {Awaited<ReturnType<typeof take>> | undefined} */
  #lock;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #wrangler;
  #isStopping = false;
  /** @type {number | undefined} */
  #refusedSince;

  /** @param {RunOptions} options */
  constructor(options) {
    this.#options = options;
    this.#url = `http://127.0.0.1:${options.port}`;
  }

  async run() {
    const { state, port, devVars, followParent = false } = this.#options;
    mkdirSync(state, { recursive: true, mode: 0o700 });
    const lock = await take(join(state, "lock"), followParent);
    this.#lock = lock;
    if (!(await isFree(port))) {
      throw new Error(`port ${port} is taken by ${holder(port)}: stop it, or set PORT to another`);
    }

    const { secrets, files } = loadSecrets(devVars, join(state, "env"));
    const wrangler = this.#startWrangler(files);
    this.#wrangler = wrangler;
    wrangler.once("error", ({ message }) => this.stop(1, `wrangler cannot be started: ${message}`));
    wrangler.once("exit", (code, signal) =>
      this.stop(1, `wrangler ended (${signal ?? `code ${code}`})`),
    );
    await this.#watchUntil(() => this.#isServing(), 100);
    lock.update();
    console.log(example(this.#url, secrets));
    console.log(`ready ${this.#url}`);
    await this.#watchUntil(this.#deathOfRuntime(lock), SURVEY_MS);
    await this.stop(1, "workerd died");
  }

  /**
   * Ends all children and the process.
   * @param {number} code
   * @param {string} [reason]
   */
  async stop(code, reason) {
    if (this.#isStopping) return;
    this.#isStopping = true;
    if (reason) console.error(`error: ${reason}`);
    try {
      await this.#lock?.endChildren();
    } catch (error) {
      // The processes can't be listed. wrangler leads a group of its own, which workerd is in.
      console.error(`error: ${/** @type {Error} */ (error).message}`);
      const { pid } = this.#wrangler ?? {};
      if (pid !== undefined)
        signal([{ pid: process.platform === "win32" ? pid : -pid }], "SIGKILL");
    }
    process.exit(code);
  }

  /** @param {string[]} envFiles */
  #startWrangler(envFiles) {
    const { config, state, port } = this.#options;
    const options = [
      ["--config", config],
      ["--local", "--ip", "127.0.0.1", "--port", port, "--inspector-port", "0"],
      ["--persist-to", state, "--show-interactive-dev-session=false"],
      // The backend that is developed beside it listens on loopback.
      ["--var", "ALLOW_INSECURE_ENDPOINTS:1"],
      ...envFiles.map((file) => ["--env-file", file]),
    ];
    return spawnWrangler(["dev", ...options.flat().map(String)], {
      cwd: dirname(config),
      // A group of its own: Ctrl-C reaches us alone, and we end the children. On Windows it would open a window.
      detached: process.platform !== "win32",
      // Standard output is for what the user pastes and scripts wait for.
      stdio: ["ignore", process.stderr, process.stderr],
      env: {
        WRANGLER_WRITE_LOGS: "false",
        // Gateways that run beside each other do not look for each other.
        WRANGLER_REGISTRY_PATH: join(state, "registry"),
        // Where a request comes from is not used. Offline, asking for it ends in a stack trace.
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
      },
    });
  }

  /**
   * Keeps the lock up to date and asks `done` again and again, until it says so.
   * @param {() => boolean | Promise<boolean>} done
   * @param {number} pauseMs
   */
  async #watchUntil(done, pauseMs) {
    let surveyedAt = Number.NEGATIVE_INFINITY;
    while (!this.#isStopping) {
      if (performance.now() - surveyedAt >= SURVEY_MS) {
        this.#lock?.update();
        surveyedAt = performance.now();
        if (this.#lock?.orphaned) return this.stop(1, "the process that started this one is gone");
      }
      if (await done()) return;
      await sleep(pauseMs);
    }
    // `stop` ends the process.
    return new Promise(() => {});
  }

  async #isServing() {
    try {
      const answer = await fetch(`${this.#url}/healthz`, { signal: AbortSignal.timeout(5000) });
      if (answer.ok) return true;
      this.#refusedSince ??= performance.now();
      if (performance.now() - this.#refusedSince > 3000) {
        await this.stop(1, `the gateway answers ${answer.status}: its log above says why`);
      }
    } catch {
      // Not listening yet.
    }
    return false;
  }

  /**
   * Tells, asked again and again, when workerd has died for good. wrangler runs two: one listens and lasts; the other
   * runs the Worker, and wrangler replaces it after a rebuild and restarts it after a crash, which takes a moment.
   * @param {Awaited<ReturnType<typeof take>>} lock
   */
  #deathOfRuntime(lock) {
    const front = processes().get(listener(this.#options.port) ?? 0);
    const expected = countRuntimes(lock);
    /** @type {number | undefined} */
    let missingSince;
    return () => {
      if (front && !runs(front)) return true;
      if (countRuntimes(lock) >= expected) missingSince = undefined;
      else missingSince ??= performance.now();
      return missingSince !== undefined && performance.now() - missingSince > 3000;
    };
  }
}

/** @param {Awaited<ReturnType<typeof take>>} lock */
function countRuntimes(lock) {
  const children = new Set(lock.children.map(({ pid }) => pid));
  return [...processes().values()].filter(
    ({ pid, name }) => children.has(pid) && name.startsWith("workerd"),
  ).length;
}
