import type { Agent } from "node:http";
import { Failure } from "../common/errors.js";
import type { Erasure, Gap, IncomingEvent, Message } from "../gateway/protocol.js";
import type { Cursor } from "./file.js";
import { ExportShard } from "./shard.js";

/** What is a line of an export. */
export type Entry = IncomingEvent | Erasure;

export interface ExportOptions {
  readonly gateway: URL;
  readonly agent: Agent;
  readonly token: string;
  readonly shards: number;
  /** The entries to go on after, by shard; the others begin at `since`. */
  readonly cursors: ReadonlyMap<number, Cursor>;
  /** Entries from then on, and before then; null for all. */
  readonly since: string | null;
  readonly until: string | null;
  /** Writes an entry; resolves once more can be written. */
  write(text: string, entry: Entry): Promise<void> | void;
  gap(shard: number, gap: Gap): void;
  away(reason: string): void;
}

/** Where a stream begins without a cursor: before all events. */
const BEGINNING = "1970-01-01T00:00:00.000Z";

/**
 * Reads the live streams of all shards from their beginning until the backlog of each has been sent. Events and erasures are
 * written in the order in which each shard has stored them, so in order for each task; among shards, in the order of their
 * times.
 */
export async function exportEvents(options: ExportOptions): Promise<void> {
  const { cursors, since } = options;
  let wake = () => {};
  const context = { ...options, since: since ?? BEGINNING, arrived: () => wake() };
  const shards = Array.from(
    { length: options.shards },
    (_, shard) => new ExportShard(shard, cursors.get(shard)?.id, context),
  );
  let failure: unknown;
  const runs = shards.map(({ stream }) =>
    stream.run().catch((error: unknown) => {
      failure ??= error;
      wake();
    }),
  );
  try {
    while (failure === undefined) {
      // Made before anything is looked at: whatever comes from now on wakes it.
      const arrival = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await writeAll(shards, options);
      if (shards.every(({ isComplete, first }) => isComplete && first === undefined)) return;
      await arrival;
    }
    throw failure;
  } finally {
    for (const { stream } of shards) stream.stop();
    await Promise.all(runs);
  }
}

/** Writes what can be: as long as each shard has its next event or is complete. */
async function writeAll(shards: readonly ExportShard[], options: ExportOptions): Promise<void> {
  const { since, until } = options;
  for (;;) {
    shards.forEach((shard, number) => {
      skipOthers(shard, number, options);
    });
    if (shards.some(({ first, isComplete }) => first === undefined && !isComplete)) return;
    const earliest = shards.reduce<ExportShard | undefined>(
      (best, shard) => (timeOf(shard) < timeOf(best) ? shard : best),
      undefined,
    );
    const next = earliest?.first;
    if (earliest === undefined || next === undefined) return;
    const entry = next.message as Entry;
    const at = atOf(entry);
    if (until !== null && at >= until) {
      // Events imported after this one may have earlier times; they are left to the next export, which resumes before
      // this event.
      earliest.end();
      continue;
    }
    if (since === null || at >= since) await options.write(next.text, entry);
    earliest.take();
  }
}

/** Takes what is no entry of an export: of a replay, the event has come before. */
function skipOthers(shard: ExportShard, number: number, { cursors, gap }: ExportOptions): void {
  for (let { first } = shard; first !== undefined; { first } = shard) {
    const { message } = first;
    if (isEntry(message)) return;
    if (message.type === "gap") {
      if (message.to <= (cursors.get(number)?.seq ?? 0)) throw OTHER_GATEWAY;
      gap(number, message);
    }
    shard.take();
  }
}

function isEntry(message: Message): message is Entry {
  return message.type === "event" || message.type === "erased";
}

/** Returns when an event was received, or a task erased. */
export function atOf(entry: Entry): string {
  return entry.type === "erased" ? entry.erasedAt : entry.receivedAt;
}

/** Returns the time of the next entry; a text that is greater than all times where there is none. */
function timeOf(shard: ExportShard | undefined): string {
  return shard?.first === undefined ? "~" : atOf(shard.first.message as Entry);
}

/** A gap that ends before the file does: the gateway has had fewer events than the file. */
const OTHER_GATEWAY: Failure = new Failure(
  "the gateway has stored less than the file of --output: it is another one, or was begun anew",
  "name another file: each is of one gateway",
);
