import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { WebhookError } from "vtryon-webhooks";
import { parseHttpUrl } from "../../testing/http-client.js";
import { UsageError } from "./errors.js";

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

/** Where the gateway's token is told. */
export interface TokenOptions {
  token?: string;
  tokenFile?: string;
}

/** Adds the options by which the gateway's token is told. */
export function addToken(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--token <token>",
        "the gateway's GATEWAY_ADMIN_TOKEN; better set that readEnv, since other users can see arguments",
      ).conflicts("tokenFile"),
    )
    .option("--token-file <path>", "a file that holds the token");
}

/** Returns the gateway's token. */
export function tokenOf({ token, tokenFile }: TokenOptions): string {
  const told = tokenFile === undefined ? token : textFile(tokenFile, "token");
  const found = told ?? process.env.GATEWAY_ADMIN_TOKEN;
  if (found === undefined) {
    throw new UsageError(
      "no token is given",
      "set GATEWAY_ADMIN_TOKEN to that of the gateway, or name a file with --token-file",
    );
  }
  if (!/^[\x21-\x7e]+$/.test(found)) {
    throw new UsageError(
      "the token is empty, or has characters that a header can't have",
      "it is the text that the gateway has as GATEWAY_ADMIN_TOKEN, and nothing else",
    );
  }
  return found;
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
  const isAlone = told(options) !== undefined || previous === undefined || previous === "";
  return isAlone ? [secret] : [secret, previous];
}

function told({ secret, secretFile }: SecretOptions): string | undefined {
  return secretFile === undefined ? secret : textFile(secretFile, "secret");
}

/** Reads a file's secret: one that was guessed at would sign, and nobody would know why it is refused. */
function textFile(path: string, what: "secret" | "token"): string {
  const bytes = readFile(path, `--${what}-file`);
  const hint = `write it as UTF-8 without a byte order mark, with nothing but the ${what}`;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError(`the ${what}'s file is not UTF-8`, hint);
  }
  if (text.startsWith("\ufeff")) {
    throw new UsageError(`the ${what}'s file begins with a byte order mark`, hint);
  }
  // Editors and `echo` end a file with a line break, which is no part of the secret.
  return text.replace(/\r?\n$/, "");
}

/** Reads a body as it is: from a file, or from standard input. */
export async function readInput(file = "-"): Promise<Uint8Array> {
  if (file !== "-") return readFile(file, "the body's file");
  if (process.stdin.isTTY) {
    throw new UsageError("there is no body", "name a file, or send the body to standard input");
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads a URL to post to. */
export function httpUrl(text: string, example = "http://localhost:3000/webhooks/vtryon"): URL {
  const hint = `write it whole, such as ${example}`;
  return parseHttpUrl(text, (what) => new UsageError(`the URL ${what}`, hint));
}

function readFile(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : `it can't be read (${code})`;
    // A secret may have been given in its place; none ends like the name of a file.
    const shown = /\.[a-z]{1,5}$/i.test(path) ? path : what;
    throw new UsageError(`${shown}: ${why}`, "see whether the path is right, and yours to read");
  }
}
