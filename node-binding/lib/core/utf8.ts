// The runtime's codecs of UTF-8.

import { WebhookError } from "./error.js";

export interface TextCodecs {
  readonly TextEncoder: typeof TextEncoder;
  readonly TextDecoder: typeof TextDecoder;
}

let found: TextCodecs | undefined;
let encoder: TextEncoder | undefined;

/**
 * Returns the codecs. They are looked up when they are needed, not when the module is loaded: test environments such
 * as jsdom have no global ones, or define them later. Node always has them in `node:util`.
 */
export function textCodecs(): TextCodecs {
  if (found !== undefined) return found;
  const Encoder = globalThis.TextEncoder ?? nodeCodecs()?.TextEncoder;
  const Decoder = globalThis.TextDecoder ?? nodeCodecs()?.TextDecoder;
  if (Encoder === undefined || Decoder === undefined) {
    // Not by `webhookError`: its texts come from the core, which needs the codecs.
    throw new WebhookError(
      "unavailable",
      503,
      "this runtime has no TextEncoder or no TextDecoder",
      "define both as globals; in a test environment, copy them from node:util",
    );
  }
  found = { TextEncoder: Encoder, TextDecoder: Decoder };
  return found;
}

function nodeCodecs(): TextCodecs | undefined {
  try {
    return globalThis.process?.getBuiltinModule?.("node:util") as TextCodecs | undefined;
  } catch {
    // A runtime that has the function, and throws.
    return undefined;
  }
}

/** Returns the encoder. */
export function utf8Encoder(): TextEncoder {
  if (encoder === undefined) {
    const { TextEncoder: Encoder } = textCodecs();
    encoder = new Encoder();
  }
  return encoder;
}
