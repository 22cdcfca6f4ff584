import { call, refusal } from "./core/engine.js";
import type { VtryonEvent } from "./core/event.js";
import { optionOf } from "./core/options.js";
import { isText, type Payload, type SignatureHeader, textsOf } from "./core/payload.js";
import { type Secrets, secretsOf } from "./verifier/secrets.js";
import { type RequestHeaders, schemeOf, toleranceOf } from "./verifier/standard-webhooks.js";
import { limitOf, type Options, type Verified, VtryonWebhooks } from "./verifier/webhooks.js";

export { type ErrorCode, WebhookError } from "./core/error.js";
// Named one by one: `export type *` is only known from TypeScript 5.0 on.
export type {
  BaseEvent,
  CompletedEvent,
  FailedEvent,
  Json,
  OtherEvent,
  ProcessingEvent,
  QueuedEvent,
  UnknownStatus,
  UnknownStatusEvent,
  VtryonEvent,
} from "./core/event.js";
export type { Payload, SignatureHeader } from "./core/payload.js";
export type { Secret, SecretSource, Secrets } from "./verifier/secrets.js";
export type { HeaderValue, RequestHeaders, Scheme } from "./verifier/standard-webhooks.js";
export { type Options, type Verified, VtryonWebhooks } from "./verifier/webhooks.js";

/** Prepared secrets, the oldest first: preparing costs more than verifying. */
const prepared = new Map<string, VtryonWebhooks>();
const MAX_PREPARED = 16;

/** Verifies the raw body of a request. Throws {@link WebhookError}, and nothing else. */
export function verify(
  payload: Payload,
  signature: SignatureHeader | RequestHeaders,
  secrets: Secrets,
  options?: Options,
): Verified {
  return webhooks(secrets, options).verify(payload, signature);
}

/** Verifies the raw body of a request and returns its event. Throws {@link WebhookError}, and nothing else. */
export function constructEvent(
  payload: Payload,
  signature: SignatureHeader | RequestHeaders,
  secrets: Secrets,
  options?: Options,
): VtryonEvent {
  return webhooks(secrets, options).constructEvent(payload, signature);
}

/** What an event means for its task. */
export interface Step {
  readonly outcome: "applied" | "duplicate" | "late" | "conflict" | "unknown" | "capped";
  /** Where the task stands now. */
  readonly status: "queued" | "processing" | "completed" | "failed" | null;
}

/**
 * Decides on a status for a task that has received the statuses `seen`, in this order.
 *
 * Throws `invalid_option` for what is no string.
 */
export function lifecycleStep(seen: readonly string[], status: string): Step {
  const known = textsOf(seen);
  if (known === undefined || !isText(status)) {
    throw refusal("invalid_option", "a status is not a text");
  }
  const [outcome, stands] = call((core) => core.lifecycleStep(known, status));
  return { outcome, status: stands } as Step;
}

function webhooks(secrets: Secrets, options: Options | undefined): VtryonWebhooks {
  const limit = limitOf(options);
  const scheme = schemeOf(options);
  // What has a clock of its own is for tests, and is prepared each time.
  if (optionOf(options, "now") !== undefined) return new VtryonWebhooks(secrets, options);
  const settings = scheme === "vtryon" ? limit : `${limit}/${toleranceOf(options)}`;
  // The common case is not worth encoding; lists and bytes are.
  const keys = typeof secrets === "string" ? secrets : secretsOf(secrets);
  const name =
    typeof keys === "string" ? `${settings} ${keys}` : `${settings}|${keys.map(String).join("|")}`;
  const known = prepared.get(name);
  if (known !== undefined) return known;
  const made = new VtryonWebhooks(keys, options);
  const [oldest] = prepared.keys();
  if (prepared.size >= MAX_PREPARED && oldest !== undefined) prepared.delete(oldest);
  prepared.set(name, made);
  return made;
}
