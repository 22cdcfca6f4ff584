import { CommanderError } from "commander";

/** Why the command failed, and what to do about it. Printed without a stack trace. */
export class Failure extends Error {
  /**
   * @param {string} message
   * @param {string} [hint]
   */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Prints why the command failed, and returns the exit code: 1, or 2 for a wrong call.
 * @param {unknown} error
 */
export function reportFailure(error) {
  // Commander has printed it already. Help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof Failure ? error.hint : undefined;
  console.error(hint === undefined ? `error: ${message}` : `error: ${message}\n${hint}`);
  return 1;
}
