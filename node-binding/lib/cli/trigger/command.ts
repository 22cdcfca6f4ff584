import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import { type Kind, kinds, lifecycle } from "vtryon-webhooks/testing";
import type { HttpResult } from "../../testing/http-client.js";
import { addConnection, type ConnectionOptions } from "../common/connection.js";
import { FAILED, numberParser, required } from "../common/errors.js";
import { hintOf, lineOf, recordOf } from "../common/format.js";
import { addSecret, httpUrl, type SecretOptions, secretOf } from "../common/input.js";
import { print, styleOf } from "../common/terminal.js";
import { addTimeout, newTask, posting, taskId } from "../send.js";
import { BACKOFF_MS, deliver } from "./deliver.js";
import { type Fault, faults, plan } from "./plan.js";

interface Options extends SecretOptions, ConnectionOptions {
  to?: string;
  fail?: boolean;
  task?: string;
  fault: Fault[];
  retries: number;
  timeScale: number;
  timeout: number;
  json?: boolean;
}

/** `trigger <lifecycle> --to <url>`. */
export function addTrigger(program: Command): void {
  const command = program
    .command("trigger")
    .summary("post all events of a task, with faults and retries")
    .description("Posts all events of a task, with faults and retries.")
    .addArgument(new Argument("<lifecycle>", "the kind of task").choices(kinds))
    .option("--to <url>", "the endpoint")
    .option("--fail", "end the task with failed instead of completed")
    .option("--task <id>", "the id of the task (default: a new one)", taskId)
    .addOption(
      new Option("--fault <name>", "a fault on the way; can be repeated")
        .choices(faults)
        .default([], "none")
        .argParser(append),
    )
    .option(
      "--retries <n>",
      "how often a failed event is sent again, 0 to 5",
      numberParser("a whole number", { from: 0, to: BACKOFF_MS.length, whole: true }),
      BACKOFF_MS.length,
    )
    .option(
      "--time-scale <n>",
      "how many times faster time passes",
      numberParser("a number", { from: 1, to: 1_000_000, whole: false }),
      3600,
    )
    .option("--json", "print a line of JSON for each attempt");
  addConnection(addTimeout(addSecret(command)))
    .addHelpText("after", HELP)
    .action(run);
}

const HELP = `
Faults:
  duplicate      every event is sent twice
  reversed       the events are sent in reverse order
  late           the second event is sent last
  bad-signature  before each event, a copy signed with another secret
  re-serialised  before each event, a copy with its JSON formatted differently

The copies are forgeries: the endpoint has to refuse them.

An event that is not answered with 2xx is sent again up to 5 times over 24 hours, as
Vtryon does: after 1.8 m, 9.2 m, 45.8 m, 3.8 h and 19.1 h (the steps are this command's).
By default, an hour passes in a second; with --time-scale 1, in an hour.
A retry-after is shown but not followed.

The exit code is 0 if every event was accepted in the end and every forgery refused,
1 if not, 2 for a wrong call.

Examples:
  $ vtryon-webhooks trigger try-on --to http://localhost:3000/webhooks/vtryon
  $ vtryon-webhooks trigger poses --fail --fault duplicate --fault late --to $URL`;

async function run(kind: Kind, options: Options): Promise<void> {
  const url = httpUrl(required(options.to, "--to <url>"));
  const secret = secretOf(options);
  const { task = newTask(), fail, fault, json } = options;
  const course = lifecycle(kind, { task_id: task, ends: fail ? "failed" : "completed" });
  const all = plan(course, fault, secret);
  const style = styleOf(process.stdout);
  const results: HttpResult[] = [];
  let accepted = 0;
  let refused = 0;
  const post = posting(url, options);
  const send = ({ body, signature }: (typeof all)[number]) => post(body, signature);
  for await (const attempt of deliver(all, options, send)) {
    print(json ? JSON.stringify(recordOf(attempt)) : lineOf(attempt, options, style));
    if (attempt.planned.forged === null) results.push(attempt.result);
    if (!attempt.ok) continue;
    if (attempt.planned.forged === null) accepted += 1;
    else refused += 1;
  }
  const events = all.filter(({ forged }) => forged === null).length;
  const forgeries = all.length - events;
  const ok = accepted === events && refused === forgeries;
  if (!ok) process.exitCode = FAILED;
  if (json) return;
  const hint = ok ? undefined : hintOf(results);
  if (hint !== undefined) print(hint);
  const parts = [`${accepted} of ${events} events accepted`];
  if (forgeries > 0) parts.push(`${refused} of ${forgeries} forgeries refused`);
  print((ok ? style.good : style.bad)(parts.join(", ")));
}

function append(name: string, before: Fault[]): Fault[] {
  const fault = faults.find((known) => known === name);
  if (fault === undefined) {
    throw new InvalidArgumentError(`Allowed choices are ${faults.join(", ")}.`);
  }
  return [...before, fault];
}
