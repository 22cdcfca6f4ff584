import { refusal } from "./engine.js";

/** Reads an option of what may be anything; `undefined` where there is none. Throws `invalid_option`. */
export function optionOf(options: unknown, name: string): unknown {
  try {
    return (options as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    throw refusal("invalid_option", `\`${name}\` can't be read`);
  }
}

/** Reads an option that is a whole number from `from` to `to`; `what` says so. Throws `invalid_option`. */
export function numberOf(
  options: unknown,
  name: string,
  fallback: number,
  [from, to, what]: readonly [from: number, to: number, what: string],
): number {
  const value = optionOf(options, name);
  if (value === undefined) return fallback;
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) {
    return value as number;
  }
  throw refusal("invalid_option", `\`${name}\` is not ${what}`);
}

/** Checks that an option is a function, or absent where it need not be there. Throws `invalid_option`. */
export function checkFunction(options: unknown, name: string, needed = false): void {
  const value = optionOf(options, name);
  if (typeof value === "function" || (value === undefined && !needed)) return;
  throw refusal("invalid_option", `\`${name}\` is not a function`);
}

/** Reads a variable of the environment, where there is one and it may be read. */
export function variable(name: string): string | undefined {
  try {
    return globalThis.process?.env?.[name];
  } catch {
    // Deno asks for a permission.
    return undefined;
  }
}
