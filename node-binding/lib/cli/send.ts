import { randomUUID } from "node:crypto";
import { type Command, InvalidArgumentError, Option } from "commander";
import { constructEvent } from "vtryon-webhooks";
import { eventBody, type Kind, kinds, type Status, sign, statuses } from "vtryon-webhooks/testing";
import { SIGNATURE_HEADER } from "../core/payload.js";
import { type HttpResult, sendRequest } from "../testing/http-client.js";
import { addConnection, agentFor, type ConnectionOptions } from "./common/connection.js";
import { FAILED, numberParser, UsageError } from "./common/errors.js";
import { answerOf, answerText, hintOf } from "./common/format.js";
import { addSecret, httpUrl, readInput, type SecretOptions, secretOf } from "./common/input.js";
import { print, styleOf } from "./common/terminal.js";

interface Options extends SecretOptions, ConnectionOptions {
  status?: Status;
  kind?: Kind;
  task?: string;
  timeout: number;
  json?: boolean;
}

/** `send <url> [file]`. */
export function addSend(program: Command): void {
  const command = program
    .command("send")
    .summary("sign one event and post it once")
    .description("Signs one event and posts it once.")
    .argument("<url>", "the endpoint")
    .argument("[file]", "the body, byte for byte; standard input when absent or -")
    .addOption(
      new Option(
        "--status <status>",
        "send a made-up event with this status instead of a file",
      ).choices(statuses),
    )
    .addOption(
      new Option(
        "--kind <kind>",
        "the kind of task of the made-up event (default: try-on)",
      ).choices(kinds),
    )
    .option("--task <id>", "the task of the made-up event (default: a new one)", taskId)
    .option("--json", "print one line of JSON");
  addConnection(addTimeout(addSecret(command)))
    .addHelpText(
      "after",
      `
The exit code is 1 when the answer is not 2xx, 2 for a wrong call.

Examples:
  $ vtryon-webhooks send http://localhost:3000/webhooks/vtryon event.json
  $ vtryon-webhooks send $URL --status completed --kind poses --task task_123`,
    )
    .action(async (target: string, file: string | undefined, options: Options) => {
      const url = httpUrl(target);
      const secret = secretOf(options);
      const body = await bodyOf(file, options);
      const post = posting(url, options);
      const result = await post(body, sign(body, secret));
      const ok = !("failure" in result) && result.status >= 200 && result.status < 300;
      print(options.json ? JSON.stringify(recordOf(result, ok)) : lineOf(url, result, ok));
      if (!ok) process.exitCode = FAILED;
    });
}

/** Adds the option for the timeout of an answer, in seconds. */
export function addTimeout(command: Command): Command {
  const seconds = numberParser("a number of seconds", { from: 0.001, to: 3600, whole: false });
  return command.option("--timeout <seconds>", "how long an answer may take", seconds, 15);
}

/** Returns a function that posts signed bodies as Vtryon does. */
export function posting(
  url: URL,
  options: ConnectionOptions & { readonly timeout: number },
): (body: Uint8Array, signature: string) => Promise<HttpResult> {
  const agent = agentFor(url, options);
  return (body, signature) => {
    const headers = [
      ["content-type", "application/json"],
      [SIGNATURE_HEADER, signature],
    ] as const;
    const request = { method: "POST", headers, body, framing: "length" } as const;
    return sendRequest(url, request, options.timeout * 1000, { agent });
  };
}

/** Returns the id of a new task. */
export function newTask(): string {
  return `task_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

/** Parses a task id. It is valid if an event with it can be parsed. */
export function taskId(text: string): string {
  const body = JSON.stringify(eventBody("try-on", "queued", text));
  try {
    return constructEvent(body, sign(body, "whsec_any"), "whsec_any").task_id;
  } catch {
    throw new InvalidArgumentError(
      "It is 1 to 256 bytes without control characters, and neither . nor ..",
    );
  }
}

async function bodyOf(file: string | undefined, options: Options): Promise<Uint8Array> {
  const { status, kind, task } = options;
  if (status !== undefined && file === undefined) {
    const event = eventBody(kind ?? "try-on", status, task ?? newTask());
    return new TextEncoder().encode(JSON.stringify(event));
  }
  if (status !== undefined || kind !== undefined || task !== undefined) {
    throw new UsageError(
      "the event is given in two ways, or not at all",
      "name a file, or make an event up with --status, and then --kind and --task",
    );
  }
  return readInput(file);
}

function lineOf(url: URL, result: HttpResult, ok: boolean): string {
  const style = styleOf(process.stdout);
  // Without credentials and query, which may be secrets.
  const line = `POST ${url.origin}${url.pathname}  → ${(ok ? style.good : style.bad)(answerOf(result))}`;
  const notes = ok ? [] : [answerText(result, "message"), hintOf([result]) ?? ""];
  return [line, ...notes.filter((text) => text !== "")].join("\n");
}

function recordOf(result: HttpResult, ok: boolean): object {
  if ("failure" in result) return { ok, answer: null, retry_after: null, failure: result.failure };
  return { ok, answer: result.status, retry_after: result.retryAfter ?? null, failure: null };
}
