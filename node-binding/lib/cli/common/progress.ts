import type { Stream } from "./terminal.js";

/** How often the bar is drawn, in milliseconds, and how many characters it has. */
const INTERVAL_MS = 100;
const WIDTH = 24;

/** A progress bar on a terminal. Elsewhere it prints nothing, so that logs have the lines of {@link Progress.say} only. */
export class Progress {
  readonly #stream: Stream;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  constructor(stream: Stream = process.stderr) {
    this.#stream = stream;
  }

  /** Shows how much is done, from 0 to 1, with what was counted. */
  update(done: number, counted: string): void {
    const now = performance.now();
    if (this.#stream.isTTY !== true || now - this.#drawnAt < INTERVAL_MS) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    const share = Math.min(1, Math.max(0, done));
    const bar = "#".repeat(Math.floor(share * WIDTH)).padEnd(WIDTH, "-");
    const percent = String(Math.floor(share * 100)).padStart(3);
    this.#stream.write(`\r\u001b[K[${bar}] ${percent} %  ${counted}`);
  }

  /** Prints a line; the bar goes on below it. */
  say(line: string): void {
    if (this.#isDrawn) this.#stream.write("\r\u001b[K");
    this.#isDrawn = false;
    this.#drawnAt = Number.NEGATIVE_INFINITY;
    this.#stream.write(`${line}\n`);
  }
}

/** Formats a number with what it counts: `1 event`, `12,345 events`. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}
