// The entry `vtryon-webhooks`.

import { callCore, webhookError } from "./core/engine.js";
import type { VtryonEvent } from "./core/event.js";
import { checkOptions, readOption } from "./core/options.js";
import { isWellFormedString, type Payload, type SignatureHeader } from "./core/payload.js";
import { type Secrets, secretList } from "./verifier/secrets.js";
import { type RequestHeaders, schemeOf, toleranceOf } from "./verifier/standard-webhooks.js";
import {
  bodyLimit,
  OPTIONS,
  type Options,
  type Verified,
  VtryonWebhooks,
} from "./verifier/webhooks.js";

export { type ErrorCode, WebhookError } from "./core/error.js";
// Named one by one: `export type *` is only known from TypeScript 5.0 on.
export {
  type BaseEvent,
  type CompletedEvent,
  type FailedEvent,
  hasStatus,
  type Json,
  type OtherEvent,
  type ProcessingEvent,
  type QueuedEvent,
  type UnknownStatus,
  type UnknownStatusEvent,
  type VtryonEvent,
} from "./core/event.js";
export type { Payload, SignatureHeader } from "./core/payload.js";
export type { Secret, SecretSource, Secrets } from "./verifier/secrets.js";
export type { HeaderValue, RequestHeaders, Scheme } from "./verifier/standard-webhooks.js";
export { type Options, type Verified, VtryonWebhooks } from "./verifier/webhooks.js";

/** Prepared secrets, oldest first: preparing them costs more than verifying. */
const prepared = new Map<string, VtryonWebhooks>();
const MAX_PREPARED = 16;

/** Verifies the raw body of a request. Throws {@link WebhookError}, and nothing else. */
export function verify(
  payload: Payload,
  signature: SignatureHeader | RequestHeaders,
  secrets: Secrets,
  options?: Options,
): Verified {
  return preparedFor(secrets, options).verify(payload, signature);
}

/** Verifies the raw body of a request and returns its event. Throws {@link WebhookError}, and nothing else. */
export function constructEvent(
  payload: Payload,
  signature: SignatureHeader | RequestHeaders,
  secrets: Secrets,
  options?: Options,
): VtryonEvent {
  return preparedFor(secrets, options).constructEvent(payload, signature);
}

/** The effect of an event on its task. */
export interface Step {
  readonly outcome: "applied" | "duplicate" | "late" | "conflict" | "unknown" | "capped";
  /** The status of the task after it. */
  readonly status: "queued" | "processing" | "completed" | "failed" | null;
}

/**
 * Decides what `status` means for a task that has received the statuses `seen`, in this order.
 *
 * Throws `invalid_option` for a status that is no string, and for a `seen` that is a single string.
 */
export function lifecycleStep(seen: Iterable<string>, status: string): Step {
  const known = seenStatuses(seen);
  if (!isWellFormedString(status)) throw webhookError("invalid_option", "`status` is not a text");
  const [outcome, after] = callCore((core) => core.lifecycleStep(known, status));
  return { outcome, status: after } as Step;
}

function seenStatuses(seen: unknown): string[] {
  if (typeof seen === "string") {
    throw webhookError("invalid_option", "`seen` is one status, not a sequence of them");
  }
  let statuses: unknown[];
  try {
    statuses = [...(seen as Iterable<unknown>)];
  } catch {
    throw webhookError("invalid_option", "`seen` can't be iterated over");
  }
  if (statuses.every(isWellFormedString)) return statuses;
  throw webhookError("invalid_option", "a status in `seen` is not a text");
}

function preparedFor(secrets: Secrets, options: Options | undefined): VtryonWebhooks {
  checkOptions(options, OPTIONS);
  const limit = bodyLimit(options);
  const scheme = schemeOf(options);
  // Options with a clock are for tests, and are not cached.
  if (readOption(options, "now") !== undefined) return new VtryonWebhooks(secrets, options);
  const settings = scheme === "vtryon" ? limit : `${limit}/${toleranceOf(options)}`;
  // A string is its own key; only lists and bytes have to be copied.
  const keys = typeof secrets === "string" ? secrets : secretList(secrets);
  const name =
    typeof keys === "string" ? `${settings} ${keys}` : `${settings}|${keys.map(String).join("|")}`;
  const known = prepared.get(name);
  if (known !== undefined) return known;
  const webhooks = new VtryonWebhooks(keys, options);
  const [oldest] = prepared.keys();
  if (prepared.size >= MAX_PREPARED && oldest !== undefined) prepared.delete(oldest);
  prepared.set(name, webhooks);
  return webhooks;
}
