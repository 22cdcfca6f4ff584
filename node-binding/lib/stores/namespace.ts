import { webhookError } from "../core/engine.js";
import { readOption } from "../core/options.js";

const DEFAULT_NAMESPACE = "default";

export interface NamespaceOptions {
  /**
   * A prefix for the keys: by default `default`. 1 to 64 ASCII letters, digits, `.`, `_` and `-`. Receivers that
   * share a table and do different things with an event need one each, and so do Vtryon accounts: with the same one, an
   * event that one receiver has handled is a duplicate for the other.
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
