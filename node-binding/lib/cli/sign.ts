import type { Command } from "commander";
import { sign } from "vtryon-webhooks/testing";
import { addSecret, readInput, type SecretOptions, secretOf } from "./common/input.js";
import { print } from "./common/terminal.js";

/** `sign [file]`. */
export function addSign(program: Command): void {
  const command = program
    .command("sign")
    .summary("print the signature of a body")
    .description("Prints the signature of a body.")
    .argument("[file]", "the body, byte for byte; standard input when absent or -")
    .addHelpText(
      "after",
      `
Every byte counts: echo adds a line break, printf '%s' does not.

Examples:
  $ vtryon-webhooks sign event.json
  $ printf '%s' "$BODY" | vtryon-webhooks sign`,
    );
  addSecret(command).action(async (file: string | undefined, options: SecretOptions) => {
    const secret = secretOf(options);
    print(sign(await readInput(file), secret));
  });
}
