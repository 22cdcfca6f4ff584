import { CommanderError, InvalidArgumentError } from "commander";
import { WebhookError } from "vtryon-webhooks";

/** The command failed. */
export class Failure extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** The command was called wrongly. Nothing was sent or read. */
export class UsageError extends Failure {}

/** The exit codes: 1 for a refusal or a failure, 2 for a wrong call. */
export const FAILED = 1;
const MISUSED = 2;

/** The hint after a wrong call. */
export const ADD_HELP = "Add --help to see how it is called.";

/** Prints why the command failed, without a stack trace, and returns the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed it already. Help and version are no errors.
    return error.exitCode === 0 ? 0 : MISUSED;
  }
  if (error instanceof Failure) {
    printError(error.message, error.hint);
    return error instanceof UsageError ? MISUSED : FAILED;
  }
  if (WebhookError.is(error)) {
    printError(`${error.message} (${error.code})`, error.hint);
    return /^(secret_|invalid_option)/.test(error.code) ? MISUSED : FAILED;
  }
  printError(
    error instanceof Error ? error.message : "unknown cause",
    "this is an error of the command itself: please report it",
  );
  return FAILED;
}

/** Removes values from Commander's messages, since a misplaced one may be a secret. */
export function withoutValues(message: string): string {
  return message
    .replace(/unknown option '(--[^'=\s]+|-.)?.*'/s, "unknown option '$1'")
    .replace(/unknown command '.*'/s, "unknown command")
    .replace(/(argument|value) '.*' (is invalid)/s, "$1 $2")
    .replace(/(but got \d+): .*/s, "$1.\n");
}

/**
 * Returns the value of a required option. Commander's own check runs before its check for unknown options, and would
 * not mention a misspelt one.
 */
export function required<T>(value: T | undefined, flags: string): T {
  if (value !== undefined) return value;
  throw new UsageError(`required option '${flags}' not specified`, ADD_HELP);
}

/** Prints that standard output can't be written, and returns the exit code. */
export function reportOutputFailure({ code }: NodeJS.ErrnoException): number {
  // A reader such as `head` closes the pipe once it has enough.
  if (code !== "EPIPE") {
    printError(
      `standard output can't be written (${code})`,
      "see whether there is room where it goes",
    );
  }
  return FAILED;
}

/** Returns a parser for an option that is a number. */
export function numberParser(
  what: string,
  { from, to, whole }: { from: number; to: number; whole: boolean },
): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= from && value <= to) || (whole && value % 1 !== 0)) {
      throw new InvalidArgumentError(`It is ${what} from ${from} to ${to}.`);
    }
    return value;
  };
}

function printError(message: string, hint: string): void {
  process.stderr.write(`error: ${message}\n${hint}\n`);
}
