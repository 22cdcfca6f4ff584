import { closeSync, createReadStream, fstatSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { addConnection, agentFor, type ConnectionOptions } from "../common/connection.js";
import { FAILED, UsageError } from "../common/errors.js";
import { plain } from "../common/format.js";
import { addToken, type TokenOptions, tokenOf } from "../common/input.js";
import { counted, Progress } from "../common/progress.js";
import { addGateway, type GatewayOptions, gatewayOf } from "../gateway/options.js";
import { defaultPath, StateFile } from "../state/state-file.js";
import { type Batch, batchesOf } from "./batches.js";
import { BEGINNING, decode, encode, type Position } from "./position.js";
import { type BatchResult, sendBatch, type Target } from "./request.js";

interface Options extends TokenOptions, ConnectionOptions, GatewayOptions {
  state?: string;
}

/** How many refused lines are named. */
const NAMED = 20;

/** `import [file]`. */
export function addImport(program: Command): void {
  const command = program
    .command("import")
    .description("store the events of an export in another gateway")
    .argument("[file]", "what export has written; standard input when absent or -")
    .option("--state <file>", "the file that stores the position (default: one for this file)");
  addConnection(addToken(addGateway(command), "admin"))
    .addHelpText("after", HELP)
    .action(run);
}

const HELP = `
Each event is verified again, by the secrets of Vtryon that the gateway has, and stored
as if it had come when it did. It is delivered to nobody: that was done where it comes
from. An event that is stored already is a duplicate, and changes nothing.

Position: a run that is interrupted goes on where it stopped, and a file that has grown
since goes on after what was imported. Standard input has no position: import it again.

A line that is refused does not stop the others. It is named, the exit code is 1, and
the next run begins there.

HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured. The token is sent over https, or
over http to this machine only.

Examples:
  $ export VTRYON_GATEWAY_TOKEN=…
  $ vtryon-webhooks import events.ndjson --gateway $URL
  $ gunzip -c events.ndjson.gz | vtryon-webhooks import --gateway $URL`;

async function run(file = "-", options: Options): Promise<void> {
  const gateway = gatewayOf(options);
  const token = tokenOf(options, "admin");
  const target = { gateway, token, agent: agentFor(gateway, options) };
  const report = new Report(gateway);
  if (file === "-") {
    if (process.stdin.isTTY) {
      throw new UsageError("there are no events", "name a file, or send it to standard input");
    }
    await importAll(process.stdin, BEGINNING, target, report, () => {});
  } else {
    await importFile(file, options, target, report);
  }
  if (report.done() > 0) process.exitCode = FAILED;
}

async function importFile(
  path: string,
  options: Options,
  target: Target,
  report: Report,
): Promise<void> {
  const { gateway } = target;
  const file = open(path);
  const statePath = options.state ?? defaultPath("import", gateway, [pathToFileURL(resolve(path))]);
  let state: StateFile | undefined;
  try {
    state = new StateFile(statePath, gateway, undefined);
    const position = decode(file, state.cursor(0) ?? "") ?? BEGINNING;
    report.begin(fstatSync(file).size, position);
    const stream = createReadStream(path, { fd: file, start: position.offset, autoClose: false });
    const journal = state;
    await importAll(stream, position, target, report, (end) => {
      journal.advance(0, encode(file, end), null);
    });
  } finally {
    state?.close();
    closeSync(file);
  }
}

/** Imports what a stream has; `advance` records how far it has come without a refusal. */
async function importAll(
  stream: AsyncIterable<Buffer>,
  position: Position,
  target: Target,
  report: Report,
  advance: (end: Position) => void,
): Promise<void> {
  for await (const batch of batchesOf(stream, position)) {
    const result = await sendBatch(target, batch.body, (reason) => report.away(reason));
    report.sent(batch, result);
    if (report.refused === 0) {
      advance({ offset: batch.end, lines: batch.linesBefore + batch.lines });
    }
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : `it can't be read (${code})`;
    throw new UsageError(
      `the file of events: ${why}`,
      "see whether the path is right, and yours to read",
    );
  }
}

/** Prints how far an import has come, and which lines were refused. */
class Report {
  readonly #progress = new Progress();
  readonly #gateway: URL;
  #size = 0;
  #stored = 0;
  #duplicates = 0;
  refused = 0;
  #isAway = false;

  constructor(gateway: URL) {
    this.#gateway = gateway;
  }

  begin(size: number, { lines }: Position): void {
    this.#size = size;
    if (lines > 0)
      this.#progress.say(`${counted(lines, "line")} were imported before: going on after them`);
  }

  sent({ linesBefore, end }: Batch, { stored, duplicates, refused }: BatchResult): void {
    this.#isAway = false;
    this.#stored += stored;
    this.#duplicates += duplicates;
    for (const { line, error, message } of refused) {
      if (this.refused < NAMED) {
        this.#progress.say(`line ${linesBefore + line}: ${plain(error)}: ${plain(message)}`);
      }
      this.refused += 1;
    }
    const events = counted(this.#stored + this.#duplicates, "event");
    if (this.#size > 0) this.#progress.update(end / this.#size, events);
  }

  away(reason: string): void {
    if (!this.#isAway) {
      this.#progress.say(`${this.#gateway.origin}: ${reason}; retrying until it can be reached`);
    }
    this.#isAway = true;
  }

  /** Prints what became of the events; returns how many were refused. */
  done(): number {
    if (this.refused > NAMED) {
      this.#progress.say(`… and ${counted(this.refused - NAMED, "line")} more`);
    }
    const notes = [
      `imported ${counted(this.#stored, "event")}`,
      `${this.#duplicates.toLocaleString("en-US")} were stored already`,
      ...(this.refused > 0 ? [`${this.refused.toLocaleString("en-US")} were refused`] : []),
    ];
    this.#progress.say(notes.join(", "));
    return this.refused;
  }
}
