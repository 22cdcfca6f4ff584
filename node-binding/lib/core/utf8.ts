import { WebhookError } from "./error.js";

/** The runtime's codecs of UTF-8. */
export interface Codecs {
  readonly TextEncoder: typeof TextEncoder;
  readonly TextDecoder: typeof TextDecoder;
}

let found: Codecs | undefined;
let encoder: TextEncoder | undefined;

/**
 * Looks for the codecs when they are needed, not when the module is loaded: test environments such as jsdom
 * have no global ones, or define them later. Node has them in `node:util` in any case.
 */
export function codecs(): Codecs {
  if (found !== undefined) return found;
  const Encoder = globalThis.TextEncoder ?? ofNode()?.TextEncoder;
  const Decoder = globalThis.TextDecoder ?? ofNode()?.TextDecoder;
  if (Encoder === undefined || Decoder === undefined) {
    // Not by `refusal`, whose texts come from the core, which needs the codecs.
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

function ofNode(): Codecs | undefined {
  try {
    return globalThis.process?.getBuiltinModule?.("node:util") as Codecs | undefined;
  } catch {
    // A runtime that has the function, and throws.
    return undefined;
  }
}

/** Returns the encoder. */
export function utf8(): TextEncoder {
  if (encoder === undefined) {
    const { TextEncoder: Encoder } = codecs();
    encoder = new Encoder();
  }
  return encoder;
}
