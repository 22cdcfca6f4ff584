import { webhookError } from "../core/engine.js";
import { type ErrorCode, WebhookError } from "../core/error.js";
import { checkFunction, hasOption } from "../core/options.js";
import type { SecretFunction, SecretSource, Secrets } from "../verifier/secrets.js";
import { schemeOptionsOf } from "../verifier/standard-webhooks.js";
import { bodyLimit, type Options, VtryonWebhooks } from "../verifier/webhooks.js";
import type { Deadline } from "./deadline.js";

/** What to do where a function gives no secret. */
const FUNCTION_HINT = "let it return the secret that Vtryon shows when the URL is registered";

/** Errors that are answered to each request, and not thrown when the receiver is made. */
const PER_REQUEST: readonly ErrorCode[] = ["secret_missing", "unavailable"];

/** How long a function that failed is not called again, in milliseconds. */
const RETRY_PAUSE_MS = 1000;

/**
 * The secrets of a receiver, prepared when they are first needed.
 *
 * Frameworks import routes during a build, where no secret is set. So a function and the environment are read when
 * the first request comes, again while they have no secret, and never after they had one.
 */
export class PreparedSecrets {
  readonly #source: SecretSource | undefined;
  /** Whether there is an option `secrets`: undefined as its value is a missing secret, and not the environment. */
  readonly #isGiven: boolean;
  readonly #options: Options;
  #prepared: VtryonWebhooks | undefined;
  #pending: Promise<VtryonWebhooks> | undefined;
  /** Until when the function is not called, by the monotonic clock. */
  #pausedUntil = Number.NEGATIVE_INFINITY;

  /**
   * Prepares secrets that are given as a value. Throws for invalid ones, but neither for a missing one nor if the core
   * can't be started: requests are answered 503 then.
   */
  constructor(options: Options & { secrets?: SecretSource | undefined }) {
    this.#source = options.secrets;
    this.#isGiven = hasOption(options, "secrets");
    this.#options = { ...schemeOptionsOf(options), maxBodyBytes: bodyLimit(options) };
    if (!this.#isGiven) return;
    if (typeof this.#source === "function") {
      checkFunction(this.#source, "secrets");
      return;
    }
    try {
      this.#prepare(this.#source);
    } catch (error) {
      const isAnswered = WebhookError.is(error) && PER_REQUEST.includes(error.code);
      if (!isAnswered) throw error;
    }
  }

  /** Returns the prepared secrets. Throws, or rejects with, an error if there are none. */
  get(deadline: Deadline): VtryonWebhooks | Promise<VtryonWebhooks> {
    if (this.#prepared !== undefined) return this.#prepared;
    if (!this.#isGiven) {
      this.#prepared = VtryonWebhooks.fromEnvironment(this.#options);
      return this.#prepared;
    }
    if (typeof this.#source !== "function") return this.#prepare(this.#source);
    // Concurrent requests share one call, unless one of them has reached its deadline during it.
    const pending = this.#pending ?? this.#call(this.#source);
    this.#pending = pending;
    const forget = () => {
      if (this.#pending === pending) this.#pending = undefined;
    };
    pending.then(forget, forget);
    deadline.signal.addEventListener("abort", forget);
    return pending;
  }

  async #call(source: SecretFunction): Promise<VtryonWebhooks> {
    // Secret managers have rate limits, and anybody can send requests.
    if (performance.now() < this.#pausedUntil) {
      const message = "the function `secrets` failed a moment ago";
      throw webhookError("secret_missing", message, {}, FUNCTION_HINT);
    }
    try {
      const secrets = await source();
      if (secrets === undefined || secrets === null) {
        const message = `the function \`secrets\` has returned ${secrets}`;
        throw webhookError("secret_missing", message, {}, FUNCTION_HINT);
      }
      return this.#prepare(secrets);
    } catch (error) {
      this.#pausedUntil = performance.now() + RETRY_PAUSE_MS;
      throw error;
    }
  }

  #prepare(secrets: Secrets | undefined): VtryonWebhooks {
    this.#prepared = new VtryonWebhooks(secrets as Secrets, this.#options);
    return this.#prepared;
  }
}
