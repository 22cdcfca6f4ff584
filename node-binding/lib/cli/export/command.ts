import { once } from "node:events";
import type { Command } from "commander";
import { addConnection, agentFor, type ConnectionOptions } from "../common/connection.js";
import { UsageError } from "../common/errors.js";
import { addToken, type TokenOptions, tokenOf } from "../common/input.js";
import { counted, Progress } from "../common/progress.js";
import { addGateway, type GatewayOptions, gatewayOf, parseTime } from "../gateway/options.js";
import { Reachability } from "../gateway/reachability.js";
import { fetchShardCount } from "../gateway/shard-count.js";
import { atOf, type ExportOptions, exportEvents } from "./exporter.js";
import { type Cursor, ExportFile } from "./file.js";

interface Options extends TokenOptions, ConnectionOptions, GatewayOptions {
  since?: string;
  until?: string;
  output?: string;
}

/** `export`. */
export function addExport(program: Command): void {
  const command = program
    .command("export")
    .summary("write the events that a gateway has stored, a line of JSON each")
    .description("Writes the events that a gateway has stored, a line of JSON each.")
    .option(
      "--since <time>",
      "only events from then on: an age such as 12h or 7d, or a time",
      parseTime,
    )
    .option("--until <time>", "only events before then", parseTime)
    .option("--output <file>", "the file; standard output when absent");
  addConnection(addToken(addGateway(command), "listen"))
    .addHelpText("after", HELP)
    .action(run);
}

const HELP = `
Each line is an event as live streams send it, with its body in base64, its
signature, its time and its outcome. They are in the order of their times; the events of
a task are in the order in which the gateway has decided on them. The export ends with
what was stored when it got there.

A task that was erased is a line too: when, and the SHA-256 of its id, in hex.

The same command with the same --output goes on after the last line of the file: after
an interruption, or to add what has come since. A file is of one gateway. With --until,
each shard stops at its first event from then on, even if events that were imported
later are older.

Of events that the gateway has pruned there is nothing left; a line on standard error
says which.

HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured. The token is sent over https, or
over http to this machine only.

Examples:
  $ export VTRYON_GATEWAY_TOKEN=…
  $ vtryon-webhooks export --gateway $URL --output events.ndjson
  $ vtryon-webhooks export --gateway $URL --since 1d | gzip > yesterday.ndjson.gz`;

async function run(options: Options): Promise<void> {
  const { output, since = null, until = null } = options;
  if (since !== null && until !== null && since >= until) {
    throw new UsageError("--until is not after --since", "swap them: no event is in between");
  }
  const gateway = gatewayOf(options);
  const token = tokenOf(options, "listen");
  const agent = agentFor(gateway, options);
  const file = output === undefined ? undefined : new ExportFile(output);
  const report = new Report(gateway, until);
  const away = (reason: string) => report.away(reason);
  try {
    if (file !== undefined && file.lines > 0) report.resumed(file.lines);
    const shards = await fetchShardCount({ gateway, agent, token }, away);
    const cursors = file?.cursors ?? new Map<number, Cursor>();
    const source = { gateway, agent, token, shards, cursors, since, until };
    await exportEvents({ ...source, ...report.handlers(file) });
  } finally {
    file?.close();
  }
  report.done();
}

/** Prints how far an export has come. */
class Report {
  readonly #progress = new Progress();
  /** When the last event has come, at most: now, or before `until`. */
  readonly #end: number;
  #begin: number | undefined;
  #events = 0;
  #erasures = 0;
  readonly #reachability: Reachability;

  constructor(gateway: URL, until: string | null) {
    this.#reachability = new Reachability(gateway, (line) => this.#progress.say(line));
    this.#end = Math.min(Date.now(), until === null ? Number.POSITIVE_INFINITY : Date.parse(until));
  }

  handlers(file: ExportFile | undefined): Pick<ExportOptions, "write" | "gap" | "away"> {
    return {
      write: async (text, entry) => {
        if (file !== undefined) file.write(text);
        else if (!process.stdout.write(`${text}\n`)) await once(process.stdout, "drain");
        if (entry.type === "erased") this.#erasures += 1;
        else this.#events += 1;
        this.#wrote(Date.parse(atOf(entry)));
      },
      gap: (shard, { from, to }) => {
        this.#progress.say(`events ${from} to ${to} of shard ${shard} have been pruned`);
      },
      away: (reason) => this.away(reason),
    };
  }

  resumed(lines: number): void {
    this.#progress.say(`the file has ${counted(lines, "line")}: going on after them`);
  }

  away(reason: string): void {
    this.#reachability.away(reason);
  }

  done(): void {
    const erasures = this.#erasures > 0 ? `, and ${counted(this.#erasures, "erasure")}` : "";
    this.#progress.say(`exported ${counted(this.#events, "event")}${erasures}`);
  }

  #wrote(at: number): void {
    this.#reachability.reached();
    this.#begin ??= at;
    const share = (at - this.#begin) / Math.max(1, this.#end - this.#begin);
    this.#progress.update(share, counted(this.#events, "event"));
  }
}
