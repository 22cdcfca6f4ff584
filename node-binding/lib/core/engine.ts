import wasm from "#wasm";
import { type Details, type ErrorCode, WebhookError } from "./error.js";
// @ts-expect-error: made of what wasm-bindgen generates, without types
import { makeGlue } from "./glue.js";
import { codecs } from "./utf8.js";

/** The core's verifier, as `src/receiver.rs` has it. */
export interface Receiver {
  fingerprint(secret: number): string;
  admit(count: number, signature: string, declared: number): void;
  claim(): boolean;
  next(secret: number): void;
  verify(length: number, hashed: boolean): boolean;
  open(length: number, hashed: boolean): boolean;
}

/** The core's verifier of Standard Webhooks, as `src/message_receiver.rs` has it. */
export interface MessageReceiver {
  fingerprint(secret: number): string;
  claim(counts: Uint32Array, id: string, timestamp: string, signature: string): void;
  admit(now: number, declared: number): void;
  verify(now: number, length: number): boolean;
  open(now: number, length: number): boolean;
}

/** The core as `src/lib.rs` exports it. */
export interface Core {
  Receiver: new (secrets: Uint8Array[], limit: number) => Receiver;
  MessageReceiver: new (secrets: Uint8Array[], limit: number, tolerance: number) => MessageReceiver;
  desk(): number;
  report(): number;
  room(length: number): number;
  refusal(): unknown;
  checkSecret(secret: Uint8Array): void;
  sign(payload: Uint8Array, secret: Uint8Array): string;
  lifecycleStep(seen: string[], status: string): [outcome: string, status: string | null];
  describe(code: string): [status: number, shown: string, summary: string, hint: string];
}

let running: Core | undefined;
let memory: WebAssembly.Memory;

/** Which instance of the core runs; receivers of an earlier one are void. */
export let generation = 0;

/** Returns the core, started at the first call: compiling it is synchronous, so there is nothing to wait for. */
function started(): Core {
  if (running === undefined) {
    const module = typeof wasm === "string" ? compiled(wasm) : wasm;
    // Each instance has a glue of its own: it holds views of the memory and frees what is collected.
    const glue = makeGlue(codecs());
    const { exports } = new WebAssembly.Instance(module, { "./engine_bg.js": glue });
    glue.__wbg_set_wasm(exports);
    (exports.__wbindgen_start as (() => void) | undefined)?.();
    memory = exports.memory as WebAssembly.Memory;
    running = glue as Core;
  }
  return running;
}

/** Returns the memory of the core that runs, as it is now: when it grows, earlier views of it are void. */
export function heap(): ArrayBuffer {
  return memory.buffer as ArrayBuffer;
}

/**
 * Calls the core; its refusals become errors, and nothing else escapes.
 *
 * `work` runs no code of a stranger, so all else that it throws is a trap.
 */
export function call<T>(work: (core: Core) => T): T {
  try {
    return work(started());
  } catch (fault) {
    if (WebhookError.is(fault)) throw fault;
    if (Array.isArray(fault)) {
      const [code, message, hint, field, offset] = fault;
      throw refusal(code, message, { field, offset }, hint);
    }
    // A trap leaves the instance in an unknown state (out of memory, for example): the next call starts anew.
    running = undefined;
    generation += 1;
    throw new WebhookError(
      "unavailable",
      503,
      "the verifier stopped",
      "try again; if it stays, see whether this runtime may compile WebAssembly",
    );
  }
}

/** Makes the error of a code, in the words of the core unless the place knows better. */
export function refusal(
  code: ErrorCode,
  message?: string,
  details: Details = {},
  hint?: string,
): WebhookError {
  const [status, , summary, usual] = call((core) => core.describe(code));
  return new WebhookError(code, status, message ?? summary, hint ?? usual, details);
}

/** Compiles what build.mjs has written as base64. */
function compiled(base64: string): WebAssembly.Module {
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
