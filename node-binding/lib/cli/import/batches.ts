// Reads a file of events in batches, each of which fits into a request.

import { Failure } from "../common/errors.js";

/** What a request takes, as the gateway has it. */
const MAX_LINES = 200;
const MAX_LINE_BYTES = 3 * 1024 * 1024;

/** How long a batch is, unless a single line is longer: the gateway waits 5 seconds for one, also on a slow line. */
const BATCH_BYTES = 128 * 1024;

/** Some lines of a file. */
export interface Batch {
  readonly body: Buffer;
  /** Where it begins in the file. */
  readonly begin: number;
  /** The number of the line before the first one, and the number of its lines. */
  readonly linesBefore: number;
  readonly lines: number;
  /** Where it ends in the file. */
  readonly end: number;
}

/** Reads batches from a stream, which begins at a place of the file, after so many lines. */
export async function* batchesOf(
  stream: AsyncIterable<Buffer> | Iterable<Buffer>,
  { offset, lines: before }: { offset: number; lines: number },
): AsyncGenerator<Batch> {
  let batch: Buffer[] = [];
  let [begin, bytes, lines, end] = [offset, 0, before, offset];
  const take = (): Batch => {
    const taken = {
      body: Buffer.concat(batch),
      begin,
      linesBefore: lines - batch.length,
      lines: batch.length,
      end,
    };
    [batch, begin, bytes] = [[], end, 0];
    return taken;
  };
  for await (const line of linesOf(stream)) {
    if (line.length > MAX_LINE_BYTES) {
      if (batch.length > 0) yield take();
      throw new Failure(
        `line ${lines + 1} is longer than ${MAX_LINE_BYTES} bytes`,
        "no event is: is this a file that vtryon-webhooks export has written?",
      );
    }
    if (batch.length === MAX_LINES || (bytes > 0 && bytes + line.length > BATCH_BYTES))
      yield take();
    batch.push(line);
    bytes += line.length;
    lines += 1;
    end += line.length;
  }
  if (batch.length > 0) yield take();
}

/** Reads lines with their line breaks; the last one may have none. */
async function* linesOf(stream: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let to = chunk.indexOf(0x0a); to >= 0; to = chunk.indexOf(0x0a, from)) {
      parts.push(chunk.subarray(from, to + 1));
      yield Buffer.concat(parts);
      [parts, length, from] = [[], 0, to + 1];
    }
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    // Of a longer one, nothing more is needed than that it is.
    if (length > MAX_LINE_BYTES) break;
  }
  if (length > 0) yield Buffer.concat(parts);
}
