import { refusal } from "../core/engine.js";
import { WebhookError } from "../core/error.js";
import type { VtryonEvent } from "../core/event.js";
import { checkFunction, numberOf, optionOf } from "../core/options.js";
import type { Match } from "../core/report.js";
import {
  checkStore,
  DAY_MS,
  type IdempotencyOptions,
  type IdempotencyStore,
  ttlOptions,
  withIdempotency,
} from "../stores/idempotency.js";
import type { SecretSource } from "../verifier/secrets.js";
import type { GetHeader } from "../verifier/standard-webhooks.js";
import type { Options } from "../verifier/webhooks.js";
import { ACKNOWLEDGED, type Answer, postponed, refused } from "./answer.js";
import { Deadline } from "./deadline.js";
import { FaultLog, type Stage } from "./fault-log.js";
import { PreparedSecrets } from "./prepared-secrets.js";

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
  /**
   * One or several, the current one first, or a function that gets them: it is called when the first request
   * comes, and while it fails again after a second at the earliest. By default `VTRYON_WEBHOOK_SECRET` and
   * `VTRYON_WEBHOOK_SECRET_PREVIOUS`, read when the first request comes. A request is answered 503 where there is none.
   */
  secrets?: SecretSource | undefined;
  /** How long reading and handling may take together, in milliseconds: 10 seconds by default. */
  deadlineMs?: number | undefined;
  /** Keeps repeats from `onEvent`. Without one, every delivery of an event reaches it. */
  store?: IdempotencyStore | undefined;
  /** Takes the event. The answer is 200 after it has returned, and 503 when it throws. */
  onEvent(event: VtryonEvent, context: Context): unknown;
  /** Takes a signed body that can't be read; without it the answer is 400. */
  onQuarantine?(payload: Uint8Array, error: WebhookError): unknown;
  /** Is told why a request was not answered with 200; by default, faults of the receiver are logged. */
  onError?(error: unknown): unknown;
}

/**
 * One request, as an adapter hands it over.
 * @internal
 */
export interface Delivery {
  readonly method: string | undefined;
  /** Gets all values of a header. */
  readonly header: GetHeader;
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
 * What all adapters share.
 * @internal
 */
export interface EventReceiver {
  /** Goes from a request to its answer. Never rejects. */
  receive(delivery: Delivery): Promise<Answer>;
  /** Reports a fault of a request that can't even be described. Never throws. */
  report(fault: unknown): void;
}

/**
 * Makes the one flow that all adapters share.
 * @internal
 */
export function receiver(options: ReceiverOptions): EventReceiver {
  if (optionOf(options, "secret") !== undefined) {
    throw refusal("invalid_option", "`secret` is none: a receiver has `secrets`");
  }
  checkFunction(options, "onEvent", true);
  checkFunction(options, "onQuarantine");
  checkFunction(options, "onError");
  checkStore(options);
  const deadlineMs = numberOf(options, "deadlineMs", DEFAULT_DEADLINE_MS, DEADLINE);
  const ttl = ttlOptions(options, deadlineMs);
  const secrets = new PreparedSecrets(options.secrets, options);
  const { store, onEvent, onQuarantine, onError } = options;
  const log = new FaultLog(onError?.bind(options));

  /** Verifies and reads a request; returns what takes the event. */
  async function read(delivery: Delivery, state: RequestState): Promise<() => unknown> {
    const { deadline } = state;
    if (delivery.method !== "POST") throw refusal("method_not_allowed");
    const webhooks = await secrets.get(deadline);
    webhooks.admit(delivery.header, Number(delivery.declaredLength) || 0);
    deadline.isReading = true;
    const payload = await delivery.body(webhooks.maxBodyBytes, deadline);
    deadline.isReading = false;
    let opened: [Match, VtryonEvent];
    try {
      opened = webhooks.open(payload, delivery.header);
    } catch (fault) {
      // 400 is the status of what Vtryon has signed and nobody can read.
      if (!WebhookError.is(fault) || fault.status !== 400) throw fault;
      state.stage = "unreadable";
      if (!onQuarantine) throw fault;
      return () => onQuarantine.call(options, payload, fault);
    }
    const [match, event] = opened;
    const idempotencyKey = event.idempotency_key;
    const handle = (fence: number | undefined) => {
      deadline.check();
      const { signal } = deadline;
      return onEvent.call(options, event, { ...match, idempotencyKey, fence, payload, signal });
    };
    if (store === undefined) return () => handle(undefined);
    const reportVerified = (fault: unknown) => log.report(fault, "verified");
    return () => withIdempotency(store, idempotencyKey, ttl, handle, reportVerified);
  }

  async function receive(delivery: Delivery): Promise<Answer> {
    const state: RequestState = { stage: "unverified", deadline: new Deadline(deadlineMs) };
    const { deadline } = state;
    const work = async () => {
      const take = await read(delivery, state);
      deadline.check();
      state.stage = "verified";
      await take();
    };
    try {
      // What fails after the deadline was answered already, but an event of Vtryon's is not lost.
      await deadline.wait(work(), (late) => {
        if (state.stage === "verified" || !WebhookError.is(late)) log.report(late, state.stage);
      });
      return ACKNOWLEDGED;
    } catch (fault) {
      log.report(fault, state.stage);
      // Whatever happens to a verified event is ours, even an error of the package's: it has to come again.
      return state.stage === "verified" ? postponed(fault) : refused(fault);
    } finally {
      deadline.stop();
    }
  }

  return { receive, report: (fault) => log.report(fault, "unverified") };
}

/** How far a request has come. */
interface RequestState {
  stage: Stage;
  readonly deadline: Deadline;
}
