// The command. It is bundled with its libraries into one CommonJS file, dist/cli.cjs, and runs when that is loaded.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { ADD_HELP, reportFailure, reportOutputFailure, withoutValues } from "./common/errors.js";
import { addDoctor } from "./doctor.js";
import { addExport } from "./export/command.js";
import { addImport } from "./import/command.js";
import { addListen } from "./listen/command.js";
import { addSend } from "./send.js";
import { addSign } from "./sign.js";
import { addTrigger } from "./trigger/command.js";
import { addVerify } from "./verify.js";

const { version } = JSON.parse(readFileSync(join(__dirname, "..", "package.json"), "utf8"));

const program = new Command("vtryon-webhooks")
  .description(
    "Signs, verifies, sends and forwards Vtryon webhooks, tests endpoints that receive them, and moves events between gateways.",
  )
  .version(version)
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(withoutValues(text)) })
  .showHelpAfterError(ADD_HELP)
  .addHelpText(
    "after",
    `
The secret is read from VTRYON_WEBHOOK_SECRET, or given by --secret-file or --secret.

Examples:
  $ export VTRYON_WEBHOOK_SECRET=…
  $ vtryon-webhooks trigger try-on --to http://localhost:3000/webhooks/vtryon
  $ vtryon-webhooks doctor http://localhost:3000/webhooks/vtryon`,
  );
const COMMANDS = [
  addSign,
  addVerify,
  addSend,
  addTrigger,
  addDoctor,
  addListen,
  addExport,
  addImport,
];
for (const add of COMMANDS) add(program);

process.stdout.on("error", (error) => process.exit(reportOutputFailure(error)));
// What is said there is for a person, who may have gone; the work goes on.
process.stderr.on("error", () => {});

program.parseAsync().catch((error: unknown) => {
  process.exitCode = reportFailure(error);
});
