import type { WriteStream } from "node:tty";

type Paint = (text: string) => string;

/** Colours text on a terminal, unless `NO_COLOR` is set (no-color.org). */
export interface Style {
  readonly good: Paint;
  readonly bad: Paint;
  readonly dim: Paint;
}

/** A stream, and whether it is a terminal. */
export type Stream = NodeJS.WritableStream & Pick<Partial<WriteStream>, "isTTY">;

/** Returns the style for a stream. */
export function styleOf(stream: Stream, env: NodeJS.ProcessEnv = process.env): Style {
  const coloured = stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  const paint =
    (code: number): Paint =>
    (text) =>
      coloured ? `\u001b[${code}m${text}\u001b[39m\u001b[22m` : text;
  return { good: paint(32), bad: paint(31), dim: paint(2) };
}

/** Writes a line to standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Joins texts in columns. The last one needs no width. */
export function columns(texts: readonly string[], widths: readonly number[]): string {
  return texts.map((text, at) => text.padEnd(widths[at] ?? 0)).join("  ");
}

/** Formats a duration: `2 m`, `3.8 h`. */
export function span(ms: number): string {
  const [size, unit] =
    ms >= 3_600_000 ? [3_600_000, "h"] : ms >= 60_000 ? [60_000, "m"] : ([1000, "s"] as const);
  return `${Number((ms / size).toFixed(ms < 1000 ? 2 : 1))} ${unit}`;
}
