import { resolve } from "node:path";
import { Option } from "commander";
import { localFiles } from "../folder/config.js";
import { parsePort } from "../local/port.js";
import { runGateway } from "../local/run.js";

/** @param {import("commander").Command} program */
export function addDev(program) {
  program
    .command("dev")
    .summary("run the gateway on this machine")
    .description(
      `Runs the gateway on this machine, in the foreground, and prints its URL, its secrets and an example.
In a folder without wrangler.jsonc, everything is kept in the hidden folder .vtryon-gateway.`,
    )
    .addOption(new Option("--port <port>", "where it listens").env("PORT").default("8787"))
    .addOption(
      new Option(
        "--state <folder>",
        "where the state is kept (default: .vtryon-gateway/state)",
      ).env("STATE_DIR"),
    )
    .action(async ({ port, state }) => {
      const number = parsePort(port, "the port");
      const files = localFiles(process.cwd());
      await runGateway({ ...files, state: resolve(state ?? files.state), port: number });
    });
}
