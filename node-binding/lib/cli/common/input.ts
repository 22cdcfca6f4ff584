// Reads secrets, tokens, bodies and URLs from options, files and the environment.

import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { WebhookError } from "vtryon-webhooks";
import { parseHttpUrl } from "../../testing/http-client.js";
import { UsageError } from "./errors.js";

/** The options that name the secret. */
export interface SecretOptions {
  secret?: string;
  secretFile?: string;
}

/** Adds the options that name the secret. */
export function addSecret(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--secret <secret>",
        "the secret; prefer VTRYON_WEBHOOK_SECRET, because other users of this machine can see arguments",
      ).conflicts("secretFile"),
    )
    .option("--secret-file <path>", "a file that holds the secret");
}

/** The options that name the gateway's token. */
export interface TokenOptions {
  token?: string;
  tokenFile?: string;
}

/** Adds the options that name the gateway's token, which has to have a scope. */
export function addToken(command: Command, scope: string): Command {
  return command
    .addOption(
      new Option(
        "--token <token>",
        `a token of the gateway with the scope ${scope}; prefer VTRYON_GATEWAY_TOKEN in the environment, because other users of this machine can see arguments`,
      ).conflicts("tokenFile"),
    )
    .option("--token-file <path>", "a file that holds the token");
}

/** Returns the gateway's token. */
export function tokenOf({ token, tokenFile }: TokenOptions, scope: string): string {
  const given = tokenFile === undefined ? token : readTextFile(tokenFile, "token");
  const found = given ?? process.env.VTRYON_GATEWAY_TOKEN;
  if (found === undefined) {
    throw new UsageError(
      "no token is given",
      `set VTRYON_GATEWAY_TOKEN to a token of the gateway with the scope ${scope}, or name a file with --token-file`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(found)) {
    throw new UsageError(
      "the token is empty, or has characters that a header can't have",
      "it is the text that the gateway has shown when the token was created, and nothing else",
    );
  }
  return found;
}

/** Returns the secret to sign with. It is validated when it is used. */
export function secretOf(options: SecretOptions): string {
  const secret = fromOptions(options) ?? process.env.VTRYON_WEBHOOK_SECRET;
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

/** Returns the secrets to verify with: from the environment also the previous one, during a rotation. */
export function secretsOf(options: SecretOptions): string[] {
  const previous = process.env.VTRYON_WEBHOOK_SECRET_PREVIOUS;
  const secret = secretOf(options);
  const isAlone = fromOptions(options) !== undefined || previous === undefined || previous === "";
  return isAlone ? [secret] : [secret, previous];
}

function fromOptions({ secret, secretFile }: SecretOptions): string | undefined {
  return secretFile === undefined ? secret : readTextFile(secretFile, "secret");
}

/** Reads a secret from a file. Strict, because a wrongly decoded secret would only show as refused signatures. */
function readTextFile(path: string, what: "secret" | "token"): string {
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
  // The line break that editors and `echo` add is not part of the secret.
  return text.replace(/\r?\n$/, "");
}

/** Reads a body unchanged, from a file or from standard input. */
export async function readInput(file = "-"): Promise<Uint8Array> {
  if (file !== "-") return readFile(file, "the body's file");
  if (process.stdin.isTTY) {
    throw new UsageError("there is no body", "name a file, or send the body to standard input");
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Parses a URL to post to. */
export function httpUrl(text: string, example = "http://localhost:3000/webhooks/vtryon"): URL {
  const hint = `write it whole, such as ${example}`;
  return parseHttpUrl(text, (what) => new UsageError(`the URL ${what}`, hint));
}

function readFile(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : `it can't be read (${code})`;
    // Shown only if it looks like a file name: a secret may have been passed by mistake.
    const shown = /\.[a-z]{1,5}$/i.test(path) ? path : what;
    throw new UsageError(`${shown}: ${why}`, "see whether the path is right, and yours to read");
  }
}
