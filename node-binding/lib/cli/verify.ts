import type { Command } from "commander";
import { VtryonWebhooks, WebhookError } from "vtryon-webhooks";
import { FAILED, required } from "./common/errors.js";
import { plain } from "./common/format.js";
import { addSecret, readInput, type SecretOptions, secretsOf } from "./common/input.js";
import { print, styleOf } from "./common/terminal.js";

interface Options extends SecretOptions {
  signature?: string;
  json?: boolean;
}

/** The highest limit, so that long events can be diagnosed too. */
const MAX_BODY_BYTES = 1024 * 1024;

/** `verify [file] --signature <hex>`. */
export function addVerify(program: Command): void {
  const command = program
    .command("verify")
    .summary("check the signature of a body, and show its event")
    .description("Checks the signature of a body, and shows its event.")
    .argument("[file]", "the body, byte for byte; standard input when absent or -")
    .option("--signature <hex>", "the value of x-vtryon-signature")
    .option("--json", "print one line of JSON")
    .addHelpText(
      "after",
      `
If the secret comes from the environment, VTRYON_WEBHOOK_SECRET_PREVIOUS is tried too.
The exit code is 1 if the signature or the body is refused, 2 for a wrong call.

Examples:
  $ vtryon-webhooks verify event.json --signature "$SIGNATURE"
  $ vtryon-webhooks verify --json --signature "$SIGNATURE" < event.json`,
    );
  addSecret(command).action(async (file: string | undefined, options: Options) => {
    const signature = required(options.signature, "--signature <hex>");
    const webhooks = new VtryonWebhooks(secretsOf(options), { maxBodyBytes: MAX_BODY_BYTES });
    const body = await readInput(file);
    try {
      accepted(webhooks, body, signature, options);
    } catch (error) {
      if (!WebhookError.is(error)) throw error;
      refused(error, options);
    }
  });
}

function accepted(
  webhooks: VtryonWebhooks,
  body: Uint8Array,
  signature: string,
  { json }: Options,
): void {
  const { fingerprint, secretIndex } = webhooks.verify(body, signature);
  const event = webhooks.constructEvent(body, signature);
  if (json) {
    print(JSON.stringify({ ok: true, fingerprint, secret_index: secretIndex, event }));
    return;
  }
  const style = styleOf(process.stdout);
  const which = secretIndex === 0 ? "" : ", the previous one";
  print(`${style.good("ok")}  signed with the secret ${fingerprint}${which}`);
  const [name, status, task] = [event.event, event.status ?? "no status", event.task_id].map(plain);
  print(`${name}  ${status}  [${task}]`);
}

function refused({ code, message, hint }: WebhookError, { json }: Options): void {
  process.exitCode = FAILED;
  if (json) print(JSON.stringify({ ok: false, error: { code, message, hint } }));
  else process.stderr.write(`refused: ${message} (${code})\n${hint}\n`);
}
