// Runs the gateway of this tree on this machine, in the foreground, until a signal ends it or it dies.
//     PORT=8787 STATE_DIR=.cache/state node scripts/dev.mjs [--follow-parent]
//
// --follow-parent   ends when the parent does: make, killed with -9, cannot tell its child to stop
import { delimiter, join, resolve } from "node:path";
import { parsePort } from "../edge-worker/npm/lib/local/port.js";
import { runGateway } from "../edge-worker/npm/lib/local/run.js";

const root = resolve(import.meta.dirname, "..");
// For the command by which wrangler builds the Worker.
process.env.PATH = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`;

try {
  await runGateway({
    config: join(root, "wrangler.toml"),
    devVars: join(root, ".dev.vars"),
    state: resolve(process.env.STATE_DIR || join(root, ".cache/state")),
    port: parsePort(process.env.PORT || "8787", "PORT"),
    followParent: process.argv.includes("--follow-parent"),
  });
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
