// The core as WebAssembly: starts it, calls it, and turns its errors into WebhookError.

import wasm from "#wasm";
import { type Details, type ErrorCode, WebhookError } from "./error.js";
// @ts-expect-error: build.mjs makes it of what wasm-bindgen generates, without types
import { makeGlue } from "./glue.js";
import { textCodecs } from "./utf8.js";

/** `SignatureVerifier` of `src/verifier.rs`. */
export interface SignatureVerifier {
  fingerprint(secret: number): string;
  admit(count: number, signature: string, declared: number): void;
  parseSignature(): boolean;
  nextSecret(secret: number): void;
  verify(length: number, hashed: boolean): boolean;
  verifyAndParse(length: number, hashed: boolean): boolean;
}

/** `StandardWebhooksVerifier` of `src/standard_webhooks.rs`. */
export interface StandardWebhooksVerifier {
  fingerprint(secret: number): string;
  setHeaders(counts: Uint32Array, id: string, timestamp: string, signature: string): void;
  admit(now: number, declared: number): void;
  verify(now: number, length: number): boolean;
  verifyAndParse(now: number, length: number): boolean;
}

/** The exports of `src/lib.rs`. */
export interface Core {
  SignatureVerifier: new (secrets: Uint8Array[], limit: number) => SignatureVerifier;
  StandardWebhooksVerifier: new (
    secrets: Uint8Array[],
    limit: number,
    tolerance: number,
  ) => StandardWebhooksVerifier;
  scratchPtr(): number;
  reportPtr(): number;
  reserve(length: number): number;
  takeError(): unknown;
  checkSecret(secret: Uint8Array, isOfStandardWebhooks: boolean): void;
  sign(payload: Uint8Array, secret: Uint8Array): string;
  lifecycleStep(seen: string[], status: string): [outcome: string, status: string | null];
  describe(code: string): [status: number, shown: string, summary: string, hint: string];
}

let core: Core | undefined;
let memory: WebAssembly.Memory;

/** Counts the instances of the core. Verifiers of an earlier instance can no longer be used. */
export let generation = 0;

/** Returns the core and starts it at the first call. Compilation is synchronous, so callers need not wait. */
function start(): Core {
  if (core === undefined) {
    const module = typeof wasm === "string" ? compile(wasm) : wasm;
    // Each instance needs its own glue, which holds views of the memory and frees collected objects.
    const glue = makeGlue(textCodecs());
    const { exports } = new WebAssembly.Instance(module, { "./engine_bg.js": glue });
    glue.__wbg_set_wasm(exports);
    (exports.__wbindgen_start as (() => void) | undefined)?.();
    memory = exports.memory as WebAssembly.Memory;
    core = glue as Core;
  }
  return core;
}

/** Returns the memory of the running core. After it has grown, earlier views of it are detached. */
export function wasmBuffer(): ArrayBuffer {
  return memory.buffer as ArrayBuffer;
}

/**
 * Calls the core and throws its errors as {@link WebhookError}.
 *
 * `work` must run no code of a user: everything else that it throws counts as a trap of the core.
 */
export function callCore<T>(work: (core: Core) => T): T {
  try {
    return work(start());
  } catch (error) {
    if (WebhookError.is(error)) throw error;
    if (Array.isArray(error)) {
      const [code, message, hint, field, offset] = error;
      throw webhookError(code, message, { field, offset }, hint);
    }
    // After a trap, such as out of memory, the state of the instance is unknown: the next call starts a new one.
    core = undefined;
    generation += 1;
    throw new WebhookError(
      "unavailable",
      503,
      "the verifier stopped",
      "try again; if it stays, see whether this runtime may compile WebAssembly",
    );
  }
}

/**
 * Creates the error of a code, by default with the message and the hint that the core has for it. Never throws, since
 * timers and listeners call it: if the core can't be started, it returns the error that says so.
 */
export function webhookError(
  code: ErrorCode,
  message?: string,
  details: Details = {},
  hint?: string,
): WebhookError {
  let description: ReturnType<Core["describe"]>;
  try {
    description = callCore((core) => core.describe(code));
  } catch (error) {
    // It throws nothing else.
    return error as WebhookError;
  }
  const [status, , summary, defaultHint] = description;
  return new WebhookError(code, status, message ?? summary, hint ?? defaultHint, details);
}

/** Compiles the core from base64. */
function compile(base64: string): WebAssembly.Module {
  const bytes = Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    // Workers and Next.js' edge runtime compile WebAssembly when they are deployed, and forbid it later.
    throw new WebhookError(
      "unavailable",
      503,
      "this runtime may not compile WebAssembly",
      "bundle for it with the condition `workerd` (wrangler does so; esbuild: --conditions=workerd) or, for Next.js, `edge-light`",
    );
  }
}
