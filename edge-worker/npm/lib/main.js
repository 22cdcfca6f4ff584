// The command: its subcommands and their options.

import { Command } from "commander";
import { addDeploy } from "./commands/deploy.js";
import { addDev } from "./commands/dev.js";
import { addDoctor } from "./commands/doctor.js";
import { addInit } from "./commands/init.js";
import { addSecrets } from "./commands/secrets.js";
import { reportFailure } from "./failure.js";
import { VERSION } from "./package.js";

const program = new Command("vtryon-webhooks-gateway")
  .description("Runs the Vtryon webhook gateway on this machine and deploys it to Cloudflare.")
  .version(VERSION)
  .exitOverride()
  .showHelpAfterError("Add --help to see how it is called.")
  .addHelpText(
    "after",
    `
Examples:
  $ vtryon-webhooks-gateway dev            try it in an empty folder
  $ vtryon-webhooks-gateway init gateway   write a folder for your gateway
  $ vtryon-webhooks-gateway deploy         deploy that folder to Cloudflare

The command vtryon-webhooks (npm package vtryon-webhooks) signs, sends and forwards webhooks.`,
  );
for (const add of [addInit, addDev, addSecrets, addDeploy, addDoctor]) add(program);

program.parseAsync().catch((error) => {
  process.exitCode = reportFailure(error);
});
