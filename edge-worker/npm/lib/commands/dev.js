import { resolve } from "node:path";
import { Option } from "commander";
import { localFiles } from "../folder/config.js";
import { parsePort } from "../local/port.js";
import { runGateway } from "../local/run.js";

/** The port where none is named. */
const PORT = "8787";

/** @param {import("commander").Command} program */
export function addDev(program) {
  program
    .command("dev")
    .summary("run the gateway on this machine")
    .description(
      `Runs the gateway on this machine, and prints its URL, its secrets and an example.
In a folder without wrangler.jsonc, it stores everything in the hidden folder .vtryon-gateway.`,
    )
    .addOption(new Option("--port <port>", "the port to listen on").env("PORT").default(PORT))
    .addOption(
      new Option(
        "--state <folder>",
        "the folder that stores the state (default: .vtryon-gateway/state)",
      ).env("STATE_DIR"),
    )
    .action(async ({ port, state }) => {
      // A variable that is set and empty counts as unset.
      const number = parsePort(port || PORT, "the port");
      const files = await localFiles(process.cwd());
      await runGateway({ ...files, state: resolve(state || files.state), port: number });
    });
}
