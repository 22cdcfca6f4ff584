import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { WebhookError } from "vtryon-webhooks";
import { UsageError } from "./usage.js";

/** Where the secret is told. */
export interface SecretOptions {
  secret?: string;
  secretFile?: string;
}

/** Adds the options by which a secret is told. */
export function addSecret(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--secret <secret>",
        "the secret; better set VTRYON_WEBHOOK_SECRET, since other users can see arguments",
      ).conflicts("secretFile"),
    )
    .option("--secret-file <path>", "a file that holds the secret");
}

/** Returns the secret to sign with; whoever uses it finds out whether it can be one. */
export function secretOf(options: SecretOptions): string {
  const secret = told(options) ?? process.env.VTRYON_WEBHOOK_SECRET;
  if (secret === undefined) {
    throw new WebhookError(
      "secret_missing",
      503,
      "no secret is given",
      "set VTRYON_WEBHOOK_SECRET to the secret that Vtryon shows for the URL, or name a file with --secret-file",
    );
  }
  return secret;
}

/** Returns the secrets to verify with: from the environment also the previous one, while it is rotated. */
export function secretsOf(options: SecretOptions): string[] {
  const previous = process.env.VTRYON_WEBHOOK_SECRET_PREVIOUS;
  const secret = secretOf(options);
  return told(options) !== undefined || previous === undefined ? [secret] : [secret, previous];
}

function told({ secret, secretFile }: SecretOptions): string | undefined {
  if (secretFile === undefined) return secret;
  // Editors and `echo` end a file with a line break, which is no part of the secret.
  return readFile(secretFile)
    .toString()
    .replace(/\r?\n$/, "");
}

/** Reads a body as it is: from a file, or from standard input. */
export async function readInput(file = "-"): Promise<Uint8Array> {
  if (file !== "-") return readFile(file);
  if (process.stdin.isTTY) {
    throw new UsageError("there is no body", "name a file, or send the body to standard input");
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads a URL to post to. */
export function httpUrl(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Told below.
  }
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      "the URL is not one of http or https",
      "write it whole, such as http://localhost:3000/webhooks/vtryon",
    );
  }
  return url;
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : `it can't be read (${code})`;
    throw new UsageError(`${path}: ${why}`, "see whether the path is right, and yours to read");
  }
}
