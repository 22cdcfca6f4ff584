// Reads options, whatever a caller has passed as them.

import { webhookError } from "./engine.js";
import type { WebhookError } from "./error.js";

/**
 * Checks that options are absent, or an object with no other names than `names`, unless undefined. Others would be
 * ignored, and leave their user believing that they are in force. Throws `invalid_option`.
 */
export function checkOptions(options: unknown, names: readonly string[]): void {
  if (options === undefined || options === null) return;
  if (typeof options !== "object") {
    throw webhookError("invalid_option", "the options are not an object");
  }
  let unknown: string | undefined;
  try {
    unknown = Object.keys(options).find(
      (name) => !names.includes(name) && readOption(options, name) !== undefined,
    );
  } catch {
    throw webhookError("invalid_option", "the options can't be read");
  }
  if (unknown === undefined) return;
  const hint = `the options are ${names.map((name) => `\`${name}\``).join(", ")}`;
  throw webhookError("invalid_option", `\`${unknown}\` is no option`, {}, hint);
}

/** Reads an option; undefined if there is none. Throws `invalid_option`. */
export function readOption(options: unknown, name: string | symbol): unknown {
  try {
    return (options as Record<string | symbol, unknown> | null | undefined)?.[name];
  } catch {
    throw webhookError("invalid_option", `\`${String(name)}\` can't be read`);
  }
}

/** Returns whether an option was passed, also as undefined. Throws `invalid_option`. */
export function hasOption(options: object, name: string): boolean {
  try {
    return name in options;
  } catch {
    throw webhookError("invalid_option", `\`${name}\` can't be read`);
  }
}

/** Reads an option that is a whole number from `from` to `to`, in words `what`. Throws `invalid_option`. */
export function integerOption(
  options: unknown,
  name: string,
  fallback: number,
  [from, to, what]: readonly [from: number, to: number, what: string],
): number {
  const value = readOption(options, name);
  if (value === undefined) return fallback;
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) {
    return value as number;
  }
  throw webhookError("invalid_option", `\`${name}\` is not ${what}`);
}

/** Checks that an option is a function, or absent unless it is `required`. Throws `invalid_option`. */
export function checkFunctionOption(options: unknown, name: string, required = false): void {
  const value = readOption(options, name);
  if (value !== undefined || required) checkFunction(value, name);
}

/**
 * Checks that a value is a function, and no generator function: a call of that one runs none of its code. Throws
 * `invalid_option`.
 */
export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== "function") {
    throw webhookError("invalid_option", `\`${name}\` is not a function`);
  }
  const kind = readOption(value, Symbol.toStringTag);
  if (kind === "GeneratorFunction" || kind === "AsyncGeneratorFunction") {
    throw webhookError("invalid_option", `\`${name}\` yields, and nothing iterates over it`);
  }
}

/** Throws `invalid_option` if a function has returned a generator: none of its code has run. */
export function refuseGenerator(value: unknown, name: string): void {
  const error = generatorError(value, name);
  if (error !== undefined) throw error;
}

/** Returns what {@link refuseGenerator} throws. */
export function generatorError(value: unknown, name: string): WebhookError | undefined {
  let kind: unknown;
  try {
    kind = (value as { [Symbol.toStringTag]?: unknown } | null | undefined)?.[Symbol.toStringTag];
  } catch {
    // A result may be any object.
  }
  if (kind !== "Generator" && kind !== "AsyncGenerator") return undefined;
  const message = `\`${name}\` returned a generator, and nothing iterates over it`;
  return webhookError("invalid_option", message);
}

/** Reads an environment variable; undefined if there is none, or if it may not be read. */
export function readEnv(name: string): string | undefined {
  try {
    return globalThis.process?.env?.[name];
  } catch {
    // Deno without the permission.
    return undefined;
  }
}
