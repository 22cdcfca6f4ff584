import { webhookError } from "../core/engine.js";
import { readOption } from "../core/options.js";

/** The namespace where nothing else is said. */
const DEFAULT = "default";

export interface NamespaceOptions {
  /**
   * Whose keys these are, so that several accounts can share a table: by default `default`. 1 to 64 ASCII letters,
   * digits, `.`, `_` and `-`.
   */
  namespace?: string | undefined;
}

/**
 * Returns what makes the key of a store out of that of an event: `namespace:key`. No namespace holds a colon, so
 * that no two pairs make the same key. Throws `invalid_option`.
 */
export function namespacedBy(
  options: NamespaceOptions | null | undefined,
): (key: string) => string {
  const option = readOption(options, "namespace");
  const namespace = option === undefined ? DEFAULT : option;
  if (typeof namespace === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(namespace)) {
    return (key) => `${namespace}:${key}`;
  }
  throw webhookError(
    "invalid_option",
    "`namespace` is not 1 to 64 letters, digits, `.`, `_` and `-`",
  );
}
