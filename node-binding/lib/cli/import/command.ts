import { closeSync, fstatSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { addConnection, agentFor, type ConnectionOptions } from "../common/connection.js";
import { FAILED, UsageError } from "../common/errors.js";
import { addToken, type TokenOptions, tokenOf } from "../common/input.js";
import { addGateway, type GatewayOptions, gatewayOf } from "../gateway/options.js";
import { defaultPath, StateFile } from "../state/state-file.js";
import { batchesOf } from "./batches.js";
import { BEGINNING, decode, encode, type Position, read } from "./position.js";
import { Report } from "./report.js";
import { type BatchResult, sendBatch, type Target } from "./request.js";

interface Options extends TokenOptions, ConnectionOptions, GatewayOptions {
  state?: string;
}

/** How much of a file is read at once. */
const CHUNK_BYTES = 64 * 1024;

/** `import [file]`. */
export function addImport(program: Command): void {
  const command = program
    .command("import")
    .summary("store the events of an export in another gateway")
    .description("Stores the events of an export in another gateway.")
    .argument("[file]", "what export has written; standard input when absent or -")
    .option("--state <file>", "the file that stores the position (default: one for this file)");
  addConnection(addToken(addGateway(command), "admin"))
    .addHelpText("after", HELP)
    .action(run);
}

const HELP = `
Each event is verified again, by the secrets of Vtryon that the gateway has, and stored
as if it had come when it did. It is not delivered: that was done where it comes
from. An event that is stored already is a duplicate, and changes nothing. A task that was
erased there is erased here too, and nothing of it is stored any more.

Position: a run that is interrupted goes on where it stopped, and a file that has grown
since goes on after what was imported; if the gateway no longer has that, the run begins
anew. Standard input has no position: import it again.

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
    const journal = state;
    const found = decode(file, state.cursor(0) ?? "") ?? BEGINNING;
    const position = (await isStored(file, found, target, report)) ? found : BEGINNING;
    report.begin(fstatSync(file).size, found, position);
    await importAll(chunksOf(file, position.offset), position, target, report, (end) => {
      journal.advance(0, encode(file, end), null);
    });
  } finally {
    state?.close();
    closeSync(file);
  }
}

/** Returns whether the gateway still has what was imported before: it may be a new one under the same URL. */
async function isStored(
  file: number,
  { lastBatch, offset }: Position,
  target: Target,
  report: Report,
): Promise<boolean> {
  if (offset === 0) return true;
  // A gateway that has none of the file stores events as they arrive: so its first batch is tried before its last one.
  const { value: first } = await batchesOf(chunksOf(file, 0, offset), BEGINNING).next();
  const beginning = await send(first?.body ?? Buffer.alloc(0), target, report);
  report.countProbe(beginning);
  if (beginning.stored > 0) return false;
  const batch = await send(read(file, lastBatch, offset), target, report);
  report.countProbe(batch);
  // A gateway with another secret refuses these lines, and blank lines are never sent: neither shows that they are stored.
  return batch.stored === 0 && batch.duplicates + batch.capped > 0;
}

/** Reads a file from one place to another one, or to its end. */
function* chunksOf(file: number, from: number, to = Number.POSITIVE_INFINITY): Generator<Buffer> {
  for (let at = from; ; ) {
    const chunk = read(file, at, Math.min(to, at + CHUNK_BYTES));
    if (chunk.length === 0) return;
    yield chunk;
    at += chunk.length;
  }
}

const NOTHING: BatchResult = { stored: 0, erased: 0, duplicates: 0, capped: 0, refused: [] };

/** Sends lines; those that are all empty are not sent. */
async function send(body: Buffer, target: Target, report: Report): Promise<BatchResult> {
  if (body.toString("latin1").trim() === "") return NOTHING;
  return await sendBatch(target, body, (reason) => report.away(reason));
}

/** Imports what a stream has; `advance` records how far it has come without a refusal. */
async function importAll(
  stream: AsyncIterable<Buffer> | Iterable<Buffer>,
  position: Position,
  target: Target,
  report: Report,
  advance: (end: Position) => void,
): Promise<void> {
  for await (const batch of batchesOf(stream, position)) {
    report.sent(batch, await send(batch.body, target, report));
    if (report.refused === 0) {
      const { begin, end, linesBefore, lines } = batch;
      advance({ offset: end, lines: linesBefore + lines, lastBatch: begin });
    }
  }
}

function open(path: string): number {
  const refuse = (why: string, hint = "see whether the path is right, and yours to read") =>
    new UsageError(`the file of events: ${why}`, hint);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refuse(code === "ENOENT" ? "there is no such file" : `it can't be read (${code})`);
  }
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw refuse("it is no file", "name a file, or send the events to standard input");
}
