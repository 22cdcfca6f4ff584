import { CommanderError, InvalidArgumentError } from "commander";
import { WebhookError } from "vtryon-webhooks";

/** The command can't go on. */
export class Failure extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** The command was not called as it can be: nothing was sent or read. */
export class UsageError extends Failure {}

/** The exit codes: 1 for a refusal or a failure that was asked for, 2 for a call that can't be done. */
export const FAILED = 1;
export const MISUSED = 2;

/** What to do after a wrong call. */
export const ADD_HELP = "Add --help to see how it is called.";

/** Says on standard error why the command ends, without a stack, and returns its exit code. */
export function explain(fault: unknown): number {
  if (fault instanceof CommanderError) {
    // Commander has said it already; help and version are no errors.
    return fault.exitCode === 0 ? 0 : MISUSED;
  }
  if (fault instanceof Failure) {
    complain(fault.message, fault.hint);
    return fault instanceof UsageError ? MISUSED : FAILED;
  }
  if (WebhookError.is(fault)) {
    complain(`${fault.message} (${fault.code})`, fault.hint);
    return /^(secret_|invalid_option)/.test(fault.code) ? MISUSED : FAILED;
  }
  complain(
    fault instanceof Error ? fault.message : "unknown cause",
    "this is a fault of the command itself: please report it",
  );
  return FAILED;
}

/** Commander repeats what it does not expect, option values and arguments, and that may be a secret. */
export function withoutValues(message: string): string {
  return message
    .replace(/unknown option '(--[^'=\s]+|-.)?.*'/s, "unknown option '$1'")
    .replace(/unknown command '.*'/s, "unknown command")
    .replace(/(argument|value) '.*' (is invalid)/s, "$1 $2")
    .replace(/(but got \d+): .*/s, "$1.\n");
}

/**
 * Returns the value of an option that has to be there. Commander's own check comes before its look for
 * unknown options, and so would never mention the misspelt one.
 */
export function required<T>(value: T | undefined, flags: string): T {
  if (value !== undefined) return value;
  throw new UsageError(`required option '${flags}' not specified`, ADD_HELP);
}

/** Says that standard output can't be written, and returns the exit code. */
export function explainOutput({ code }: NodeJS.ErrnoException): number {
  // A reader that has seen enough, such as `head`, is nothing to complain of.
  if (code !== "EPIPE") {
    complain(
      `standard output can't be written (${code})`,
      "see whether there is room where it goes",
    );
  }
  return FAILED;
}

/** Reads an option as a number. */
export function number(
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

function complain(message: string, hint: string): void {
  process.stderr.write(`error: ${message}\n${hint}\n`);
}
