import type { Command } from "commander";
import { type CheckResult, checkEndpoint, hostileRequests } from "vtryon-webhooks/testing";
import { UNTRUSTED_PREFIX } from "../testing/http-client.js";
import { addConnection, agentFor, type ConnectionOptions } from "./common/connection.js";
import { FAILED, UsageError } from "./common/errors.js";
import { hintOf, TRUST_HINT } from "./common/format.js";
import { addSecret, httpUrl, type SecretOptions, secretOf } from "./common/input.js";
import { columns, print, type Style, styleOf } from "./common/terminal.js";
import { addTimeout } from "./send.js";

interface Options extends SecretOptions, ConnectionOptions {
  only?: string[];
  timeout: number;
  json?: boolean;
}

const HEAD = ["case", "sent", "expected", "got"] as const;

/** `doctor <url>`. */
export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .summary("test an endpoint with requests that receivers are known to get wrong")
    .description("Tests an endpoint with requests that receivers are known to get wrong.")
    .argument("<url>", "the endpoint; not one in production, because it processes the valid events")
    .option("--only <case>", "send only this case; can be repeated", append)
    .option("--json", "print one line of JSON");
  addConnection(addTimeout(addSecret(command)))
    .addHelpText(
      "after",
      `
Use the secret that the endpoint verifies with.
The exit code is 1 when a case fails, 2 for a wrong call.

Examples:
  $ vtryon-webhooks doctor http://localhost:3000/webhooks/vtryon
  $ vtryon-webhooks doctor $URL --only lossy-utf8 --only short --json`,
    )
    .action(run);
}

async function run(target: string, { only, timeout, json, ...options }: Options): Promise<void> {
  const url = httpUrl(target);
  const secret = secretOf(options);
  const agent = agentFor(url, options);
  const cases = hostileRequests(secret);
  const names = cases.map(({ name }) => name);
  for (const name of only ?? []) {
    if (!names.includes(name)) throw unknown(name, names);
  }
  const table = tableOf(cases.filter(({ name }) => only?.includes(name) ?? true));
  const show = (result: CheckResult) => result.sent !== "" && print(table.row(result));
  if (!json) print(table.head);
  const report = await checkEndpoint(url, {
    secret,
    only,
    timeoutMs: timeout * 1000,
    agent,
    onResult: json ? undefined : show,
  });
  if (!report.ok) process.exitCode = FAILED;
  if (json) print(JSON.stringify(report));
  else print(summary(report.results, styleOf(process.stdout)));
}

/** Rows are printed one by one, so the widths of the columns are computed from the cases in advance. */
function tableOf(cases: ReturnType<typeof hostileRequests>): {
  head: string;
  row: (result: CheckResult) => string;
} {
  const style = styleOf(process.stdout);
  const widest = (of: (hostile: (typeof cases)[number]) => string, title: string) =>
    cases.reduce((width, hostile) => Math.max(width, of(hostile).length), title.length);
  const widths = [
    widest(({ name }) => name, HEAD[0]),
    // One more: the length of a task id changes the number of bytes by a digit.
    widest(({ sent }) => sent, HEAD[1]) + 1,
    widest(({ expect }) => expect.words, HEAD[2]),
  ];
  return {
    head: style.dim(`  ${columns(HEAD, widths)}`),
    row: ({ name, sent, expected, got, ok }) => {
      const mark = ok ? style.good("✓") : style.bad("✗");
      return `${mark} ${columns([name, sent, expected, ok ? got : style.bad(got)], widths)}`;
    },
  };
}

function summary(results: readonly CheckResult[], style: Style): string {
  const failed = results.filter(({ ok, sent }) => !ok && sent !== "");
  const unsent = results.filter(({ sent }) => sent === "").length;
  if (failed.length === 0) return style.good(`\nall ${results.length} cases passed`);
  const good = results.find(({ name }) => name === "good");
  const hint = good?.ok === false ? hintTo(good.got) : undefined;
  const reasons = failed.map(({ name, why }) => `  ${name}: ${why}`);
  const dead = unsent > 0 ? `; ${unsent} were not sent, for the endpoint no longer answers` : "";
  const count = `${failed.length} of ${results.length} cases failed${dead}`;
  // If valid events are refused, the other cases prove nothing.
  const about =
    hint === undefined ? ["what each of the failed ones is about:", ...reasons] : [hint];
  return ["", style.bad(count), ...about].join("\n");
}

function hintTo(got: string): string | undefined {
  if (got.startsWith(UNTRUSTED_PREFIX)) return TRUST_HINT;
  return hintOf([{ status: Number(got), retryAfter: undefined, text: "" }]);
}

function unknown(name: string, names: readonly string[]): UsageError {
  const near = names.filter((known) => known.includes(name) || name.includes(known));
  const hint =
    near.length > 0 ? `did you mean ${near.join(", ")}?` : `there are ${names.join(", ")}`;
  return new UsageError("there is no such case", hint);
}

function append(name: string, before: string[] = []): string[] {
  return [...before, name];
}
