import { webhookError } from "../core/engine.js";
import { readOption } from "../core/options.js";

const DEFAULT_NAMESPACE = "default";

export interface NamespaceOptions {
  /**
   * A prefix for the keys, so that several accounts can share a table: by default `default`. 1 to 64 ASCII letters,
   * digits, `.`, `_` and `-`.
   */
  namespace?: string | undefined;
}

/**
 * Returns a function that converts the key of an event to that of a store: `namespace:key`. A namespace contains no
 * colon, so the conversion is unambiguous. Throws `invalid_option`.
 */
export function namespacedBy(
  options: NamespaceOptions | null | undefined,
): (key: string) => string {
  const option = readOption(options, "namespace");
  const namespace = option === undefined ? DEFAULT_NAMESPACE : option;
  if (typeof namespace === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(namespace)) {
    return (key) => `${namespace}:${key}`;
  }
  throw webhookError(
    "invalid_option",
    "`namespace` is not 1 to 64 letters, digits, `.`, `_` and `-`",
  );
}
