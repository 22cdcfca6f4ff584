import { refusal } from "../core/engine.js";
import { WebhookError } from "../core/error.js";
import type { SecretFunction, SecretSource, Secrets } from "../verifier/secrets.js";
import { schemeOptionsOf } from "../verifier/standard-webhooks.js";
import { limitOf, type Options, VtryonWebhooks } from "../verifier/webhooks.js";
import type { Deadline } from "./deadline.js";

/** How long a function that has failed is not called again, in milliseconds. */
const PAUSE_MS = 1000;

/**
 * The prepared secrets of a receiver. Frameworks load their routes while they build, where no secret is set:
 * so a function and the environment are asked when the first request comes, again while they have none, and
 * never once they had one.
 */
export class PreparedSecrets {
  readonly #source: SecretSource | undefined;
  readonly #options: Options;
  #prepared: VtryonWebhooks | undefined;
  #pending: Promise<VtryonWebhooks> | undefined;
  /** Until when the function is not called, by the monotonic clock. */
  #pausedUntil = Number.NEGATIVE_INFINITY;

  /** Prepares a value at once. Throws `invalid_option`, and for a careless secret, but not for a missing one. */
  constructor(source: SecretSource | undefined, options: Options) {
    this.#source = source;
    this.#options = { ...schemeOptionsOf(options), maxBodyBytes: limitOf(options) };
    if (source === undefined || typeof source === "function") return;
    try {
      this.#prepared = new VtryonWebhooks(source, this.#options);
    } catch (fault) {
      if (!WebhookError.is(fault) || fault.code !== "secret_missing") throw fault;
    }
  }

  /** Returns the prepared secrets. Throws, or rejects with, the codes that begin with `secret_`. */
  get(deadline: Deadline): VtryonWebhooks | Promise<VtryonWebhooks> {
    if (this.#prepared !== undefined) return this.#prepared;
    if (typeof this.#source !== "function") return this.#prepare(this.#source);
    // Requests that come meanwhile wait for the same call, unless it has kept one of them for too long.
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
    // Every request, whoever sends it, would make the function ask again: a secret manager has a rate limit.
    if (performance.now() < this.#pausedUntil) {
      throw refusal("secret_missing", "the function `secrets` failed a moment ago");
    }
    try {
      const secrets = await source();
      if (secrets === undefined || secrets === null) {
        throw refusal("secret_missing", `the function \`secrets\` has returned ${secrets}`);
      }
      return this.#prepare(secrets);
    } catch (fault) {
      this.#pausedUntil = performance.now() + PAUSE_MS;
      throw fault;
    }
  }

  #prepare(secrets: Secrets | undefined): VtryonWebhooks {
    this.#prepared = new VtryonWebhooks(secrets, this.#options);
    return this.#prepared;
  }
}
