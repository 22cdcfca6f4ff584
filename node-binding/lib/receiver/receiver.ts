import { webhookError } from "../core/engine.js";
import { WebhookError } from "../core/error.js";
import type { VtryonEvent } from "../core/event.js";
import {
  checkFunctionOption,
  checkOptions,
  integerOption,
  refuseGenerator,
} from "../core/options.js";
import type { SecretMatch } from "../core/report.js";
import {
  checkStore,
  DAY_MS,
  type IdempotencyOptions,
  type IdempotencyStore,
  ttlOptions,
} from "../stores/idempotency.js";
import type { SecretSource } from "../verifier/secrets.js";
import type { GetHeader } from "../verifier/standard-webhooks.js";
import { OPTIONS, type Options } from "../verifier/webhooks.js";
import { ACKNOWLEDGED, type Answer, errorAnswer, retryLaterAnswer } from "./answer.js";
import { Deadline } from "./deadline.js";
import { ErrorReporter, type Stage } from "./error-reporter.js";
import { withIdempotency } from "./idempotency.js";
import { PreparedSecrets } from "./prepared-secrets.js";

/** What a handler gets beside the event. */
export interface Context extends SecretMatch {
  /** Identifies the event: equal for duplicates, different for all other events. */
  readonly idempotencyKey: string;
  /** The fencing token, if a store is configured: it rises with each claim of the same event. */
  readonly fence: number | undefined;
  /** The bytes that were verified. */
  readonly payload: Uint8Array;
  /** Aborted when the deadline passes. The answer is 503 then, so that Vtryon retries. */
  readonly signal: AbortSignal;
}

/** The options of a receiver. */
export interface ReceiverOptions extends Options, IdempotencyOptions {
  /**
   * One secret or several, the current one first, or a function that returns them. It is called when the first
   * request comes, and again after a failure, a second later at the earliest. Without this option,
   * `VTRYON_WEBHOOK_SECRET` and `VTRYON_WEBHOOK_SECRET_PREVIOUS`, read when the first request comes. Without a secret,
   * the answer is 503: also if this is undefined.
   */
  secrets?: SecretSource | undefined;
  /** The time limit for reading and handling together, in milliseconds: 10 seconds by default. */
  deadlineMs?: number | undefined;
  /** Keeps duplicates away from `onEvent`. Without a store, every duplicate reaches it. */
  store?: IdempotencyStore | undefined;
  /** Handles an event. The answer is 200 after it has returned, and 503 if it throws. */
  // Properties: TypeScript compares parameters of methods loosely, and would take a handler for one kind of event.
  onEvent: (event: VtryonEvent, context: Context) => unknown;
  /** Handles a signed body that is no event, which is then answered 200; without it, the answer is 400. */
  onQuarantine?: ((payload: Uint8Array, error: WebhookError) => unknown) | undefined;
  /**
   * Gets the error of every request that is not answered 200. By default, errors of the receiver and wrong signatures
   * are logged.
   */
  onError?: ((error: unknown) => unknown) | undefined;
}

const RECEIVER_OPTIONS: readonly (keyof ReceiverOptions)[] = [
  ...OPTIONS,
  "secrets",
  "deadlineMs",
  "store",
  "leaseMs",
  "ttlMs",
  "onEvent",
  "onQuarantine",
  "onError",
];

/**
 * A request, as an adapter passes it.
 * @internal
 */
export interface IncomingRequest {
  readonly method: string | undefined;
  /** Returns all values of a header. */
  readonly header: GetHeader;
  /** The value of `content-length`, if there is one. */
  readonly declaredLength: string | null | undefined;
  /**
   * Reads the raw body. Throws `payload_too_large` for more than `limit` bytes, and `body_already_parsed` if something
   * else has read it. Stops at the deadline.
   */
  readBody(limit: number, deadline: Deadline): Uint8Array | Promise<Uint8Array>;
}

const DEFAULT_DEADLINE_MS = 10_000;

const DEADLINE = [1, DAY_MS, "a whole number of milliseconds up to 24 hours"] as const;

/**
 * The flow from a request to its answer, which all adapters share.
 * @internal
 */
export interface EventReceiver {
  /** Answers a request. Never rejects. */
  receive(request: IncomingRequest): Promise<Answer>;
  /** Reports an error outside of `receive`. Never throws. */
  report(error: unknown): void;
}

/**
 * Creates the receiver of an adapter, which may have more options. Throws for options that can't be used.
 * @internal
 */
export function createReceiver(
  options: ReceiverOptions,
  more: readonly string[] = [],
): EventReceiver {
  checkOptions(options, [...RECEIVER_OPTIONS, ...more]);
  checkFunctionOption(options, "onEvent", true);
  checkFunctionOption(options, "onQuarantine");
  checkFunctionOption(options, "onError");
  checkStore(options);
  const deadlineMs = integerOption(options, "deadlineMs", DEFAULT_DEADLINE_MS, DEADLINE);
  const ttl = ttlOptions(options, deadlineMs);
  const secrets = new PreparedSecrets(options);
  const { store, onEvent, onQuarantine, onError } = options;
  const reporter = new ErrorReporter(onError?.bind(options));

  /** Verifies a request and returns a function that handles its event. */
  async function verify(request: IncomingRequest, state: RequestState): Promise<() => unknown> {
    const { deadline } = state;
    if (request.method !== "POST") throw webhookError("method_not_allowed");
    deadline.awaits = "secrets";
    const webhooks = await secrets.get(deadline);
    deadline.awaits = "nothing";
    deadline.check();
    webhooks.admit(request.header, Number(request.declaredLength) || 0);
    deadline.awaits = "body";
    const payload = await request.readBody(webhooks.maxBodyBytes, deadline);
    deadline.awaits = "nothing";
    let result: [SecretMatch, VtryonEvent];
    try {
      result = webhooks.verifyAndParse(payload, request.header);
    } catch (error) {
      // 400: the signature is right, and the body is no event.
      if (!WebhookError.is(error) || error.status !== 400) throw error;
      state.stage = "unreadable";
      if (!onQuarantine) throw error;
      return async () =>
        refuseGenerator(await onQuarantine.call(options, payload, error), "onQuarantine");
    }
    const [match, event] = result;
    const idempotencyKey = event.idempotency_key;
    const handle = async (fence: number | undefined) => {
      deadline.check();
      const { signal } = deadline;
      const context = { ...match, idempotencyKey, fence, payload, signal };
      refuseGenerator(await onEvent.call(options, event, context), "onEvent");
    };
    if (store === undefined) return () => handle(undefined);
    const reportVerified = (error: unknown) => reporter.report(error, "verified");
    return () => withIdempotency(store, idempotencyKey, ttl, handle, reportVerified);
  }

  async function receive(request: IncomingRequest): Promise<Answer> {
    const deadline = new Deadline(deadlineMs);
    const state: RequestState = { stage: "unverified", deadline };
    const work = async () => {
      const handle = await verify(request, state);
      deadline.check();
      state.stage = "verified";
      await handle();
    };
    try {
      // After the deadline the request is answered already. Errors are still reported if they concern an event, but not
      // that of the deadline once more, with which work ends that comes to its next step.
      await deadline.wait(work(), (error) => {
        if (error === deadline.error) return;
        if (state.stage === "verified" || !WebhookError.is(error)) {
          reporter.report(error, state.stage);
        }
      });
      return ACKNOWLEDGED;
    } catch (error) {
      reporter.report(error, state.stage);
      // An event that was verified must be retried, whatever the handler or the store has thrown.
      if (state.stage === "verified") return retryLaterAnswer(error);
      // So must one that can't be verified until the secret is right.
      return errorAnswer(deadline.awaits === "secrets" ? undefined : error);
    } finally {
      deadline.stop();
    }
  }

  return { receive, report: (error) => reporter.report(error, "unverified") };
}

interface RequestState {
  stage: Stage;
  readonly deadline: Deadline;
}
