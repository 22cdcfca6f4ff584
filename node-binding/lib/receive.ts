import { ACKNOWLEDGED, type Answer, postponed, refused } from "./answer.js";
import { Deadline } from "./deadline.js";
import { refusal } from "./engine.js";
import { WebhookError } from "./error.js";
import type { VtryonEvent } from "./event.js";
import {
  checkStore,
  DAY_MS,
  type IdempotencyOptions,
  type IdempotencyStore,
  lasting,
  once,
} from "./idempotency.js";
import { checkFunction, numberOf, optionOf } from "./options.js";
import type { Match } from "./report.js";
import type { Secrets } from "./secrets.js";
import { type Options, VtryonWebhooks } from "./webhooks.js";

/** What is known of an event beside what it says. */
export interface Context extends Match {
  /** The same for repeats of an event, and for nothing else. */
  readonly idempotencyKey: string;
  /** The token of the claim, where a store is configured: higher with each claim of the same event. */
  readonly fence: number | undefined;
  /** The bytes that were verified. */
  readonly payload: Uint8Array;
  /** Aborted when the deadline passes: Vtryon is told to come again. */
  readonly signal: AbortSignal;
}

/** How events are received. */
export interface ReceiverOptions extends Options, IdempotencyOptions {
  /** By default from `VTRYON_WEBHOOK_SECRET` and `VTRYON_WEBHOOK_SECRET_PREVIOUS`. */
  secrets?: Secrets | undefined;
  /** How long reading and handling may take together, in milliseconds: 10 seconds by default. */
  deadlineMs?: number | undefined;
  /** Keeps repeats from `onEvent`. Without one, every delivery of an event reaches it. */
  store?: IdempotencyStore | undefined;
  /** Takes the event. The answer is 200 after it has returned, and 503 when it throws. */
  onEvent(event: VtryonEvent, context: Context): unknown;
  /** Takes a signed body that can't be read; without it the answer is 400. */
  onQuarantine?(payload: Uint8Array, error: WebhookError): unknown;
  /** Is told why a request was not answered with 200; by default faults of the receiver are logged. */
  onError?(error: unknown): unknown;
}

/**
 * One request, as an adapter hands it over.
 * @internal
 */
export interface Delivery {
  readonly method: string | undefined;
  /** All values of the signature's header. */
  readonly signature: string | readonly string[] | null | undefined;
  /** The value of `content-length`, where there is one. */
  readonly declaredLength: string | null | undefined;
  /**
   * Reads the raw body. More than `limit` bytes are a `payload_too_large`; reading ends with the deadline.
   * A body that something else has read is a `body_already_parsed`.
   */
  body(limit: number, deadline: Deadline): Uint8Array | Promise<Uint8Array>;
}

const DEFAULT_DEADLINE_MS = 10_000;

const DEADLINE = [1, DAY_MS, "a whole number of milliseconds up to 24 hours"] as const;

/**
 * Makes the one flow that all adapters share: from a request to its answer, which never rejects.
 * @internal
 */
export function receiver(options: ReceiverOptions): (delivery: Delivery) => Promise<Answer> {
  if (optionOf(options, "secret") !== undefined) {
    throw refusal("invalid_option", "`secret` is none: a receiver has `secrets`");
  }
  checkFunction(options, "onEvent", true);
  checkFunction(options, "onQuarantine");
  checkFunction(options, "onError");
  checkStore(options);
  const deadlineMs = numberOf(options, "deadlineMs", DEFAULT_DEADLINE_MS, DEADLINE);
  const lasts = lasting(options, deadlineMs);
  const webhooks = new VtryonWebhooks(options.secrets, options);

  /** Verifies and reads a request, which may be a stranger's; returns what takes the event. */
  async function read(delivery: Delivery, deadline: Deadline): Promise<() => unknown> {
    if (delivery.method !== "POST") throw refusal("method_not_allowed");
    webhooks.admit(delivery.signature, Number(delivery.declaredLength) || 0);
    const payload = await delivery.body(webhooks.maxBodyBytes, deadline);
    let opened: [Match, VtryonEvent];
    try {
      opened = webhooks.open(payload, delivery.signature);
    } catch (fault) {
      // 400 is the status of what Vtryon has signed and nobody can read.
      if (!WebhookError.is(fault) || fault.status !== 400 || !options.onQuarantine) throw fault;
      return () => options.onQuarantine?.(payload, fault);
    }
    const [match, event] = opened;
    const idempotencyKey = event.idempotency_key;
    const handle = (fence: number | undefined) => {
      deadline.check();
      const { signal } = deadline;
      return options.onEvent(event, { ...match, idempotencyKey, fence, payload, signal });
    };
    const { store } = options;
    return () => (store ? once(store, idempotencyKey, lasts, handle) : handle(undefined));
  }

  return async (delivery) => {
    const deadline = new Deadline(deadlineMs);
    let signed = false;
    const work = async () => {
      const take = await read(delivery, deadline);
      deadline.check();
      signed = true;
      await take();
    };
    try {
      // What fails after the deadline was answered already, but an event of Vtryon's is not lost.
      await deadline.wait(work(), (late) => signed && report(options, late, signed));
      return ACKNOWLEDGED;
    } catch (fault) {
      report(options, fault, signed);
      // Whatever happens to a signed event is ours, even an error of the package's: it has to come again.
      return signed ? postponed(fault) : refused(fault);
    } finally {
      deadline.stop();
    }
  };
}

/**
 * The body did not come whole.
 * @internal
 */
export const cutOff = (): WebhookError =>
  refusal("unavailable", "the connection ended before the body");

/** Tells of a fault; by default it is logged, where it concerns the receiver. */
function report({ onError }: ReceiverOptions, fault: unknown, signed: boolean): void {
  try {
    const error = WebhookError.is(fault) ? fault : undefined;
    if (onError !== undefined) {
      const told: unknown = onError(fault);
      Promise.resolve(told).catch(() => {});
    } else if (concerns(error, signed)) {
      const words = error ? `${error.code}: ${error.message} (${error.hint})` : fault;
      console.error("vtryon-webhooks:", words);
    }
  } catch {
    // A log that fails changes nothing about the answer.
  }
}

/** Strangers fill no log, and an event that is being handled already is no fault. */
function concerns(error: WebhookError | undefined, signed: boolean): boolean {
  // What Vtryon has signed and nobody can read, and faults of the program.
  if (error?.status === 400 || error?.status === 500) return true;
  return signed && error?.retryAfterMs === undefined;
}
