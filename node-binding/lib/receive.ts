import { type Answer, acknowledged, refused } from "./answer.js";
import { refusal } from "./engine.js";
import { WebhookError } from "./error.js";
import type { VtryonEvent } from "./event.js";
import { type IdempotencyOptions, type IdempotencyStore, lasting, once } from "./idempotency.js";
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
  onError?(error: unknown): void;
}

/** One request, as an adapter hands it over. */
export interface Delivery {
  readonly method: string | undefined;
  /** All values of the signature's header. */
  readonly signature: string | readonly string[] | null | undefined;
  /** The value of `content-length`, where there is one. */
  readonly declaredLength: string | null | undefined;
  /**
   * Reads the raw body. More than `limit` bytes are a `payload_too_large`; reading ends with the signal.
   * A body that something else has read is a `body_already_parsed`.
   */
  body(limit: number, signal: AbortSignal): Uint8Array | Promise<Uint8Array>;
}

const DEFAULT_DEADLINE_MS = 10_000;

/** The longest that a timer can wait. */
const MAX_DEADLINE_MS = 2 ** 31 - 1;

/** Makes the one flow that all adapters share: from a request to its answer, which never rejects. */
export function receiver(options: ReceiverOptions): (delivery: Delivery) => Promise<Answer> {
  if (typeof options?.onEvent !== "function") {
    throw refusal("invalid_option", "`onEvent` is not a function");
  }
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  if (!(deadlineMs > 0 && deadlineMs <= MAX_DEADLINE_MS)) {
    throw refusal("invalid_option", "`deadlineMs` is not a positive number of milliseconds");
  }
  const lasts = lasting(options, deadlineMs);
  const webhooks = new VtryonWebhooks(options.secrets, options);

  async function accept(delivery: Delivery, signal: AbortSignal): Promise<void> {
    if (delivery.method !== "POST") throw refusal("method_not_allowed");
    webhooks.admit(delivery.signature, Number(delivery.declaredLength) || 0);
    const payload = await delivery.body(webhooks.maxBodyBytes, signal);
    let opened: [Match, VtryonEvent];
    try {
      opened = webhooks.open(payload, delivery.signature);
    } catch (fault) {
      // 400 is the status of what Vtryon has signed and nobody can read.
      if (!WebhookError.is(fault) || fault.status !== 400 || !options.onQuarantine) throw fault;
      await called(() => options.onQuarantine?.(payload, fault));
      return;
    }
    const [match, event] = opened;
    const idempotencyKey = event.idempotency_key;
    const handle = (fence: number | undefined) =>
      called(() => options.onEvent(event, { ...match, idempotencyKey, fence, payload, signal }));
    if (options.store === undefined) await handle(undefined);
    else await once(options.store, idempotencyKey, lasts, handle);
  }

  return async (delivery) => {
    const clock = new AbortController();
    const timer = setTimeout(() => clock.abort(), deadlineMs);
    try {
      await inTime(accept(delivery, clock.signal), clock.signal);
      return acknowledged();
    } catch (fault) {
      report(options, fault instanceof Failure ? fault.cause : fault);
      return refused(fault);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** What a callback threw: whatever it is, even an error of ours, it is no refusal of the request. */
class Failure {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

async function called(callback: () => unknown): Promise<void> {
  try {
    await callback();
  } catch (cause) {
    throw new Failure(cause);
  }
}

/** Waits for work, but no longer than until the signal. */
function inTime(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () =>
      reject(refusal("unavailable", "the deadline has passed")),
    );
    work.then(resolve, reject);
  });
}

function report({ onError }: ReceiverOptions, fault: unknown): void {
  try {
    if (onError !== undefined) onError(fault);
    else if (!WebhookError.is(fault)) console.error("vtryon-webhooks:", fault);
    // What strangers do wrong fills no log, nor does an event that is being handled already.
    else if (fault.status >= 500 && fault.retryAfterMs === undefined) {
      console.error(`vtryon-webhooks: ${fault.code}: ${fault.message} (${fault.hint})`);
    }
  } catch {
    // A log that fails changes nothing about the answer.
  }
}
