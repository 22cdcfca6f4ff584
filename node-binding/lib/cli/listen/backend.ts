import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { SIGNATURE_HEADER } from "../../core/payload.js";
import { type HttpResult, sendRequest } from "../../testing/http-client.js";
import { untrustedError } from "../gateway/errors.js";
import type { IncomingEvent } from "../gateway/protocol.js";
import { urlHash } from "../state/state-file.js";

/** How often an event is retried after its connection was closed without an answer. */
const MAX_RETRIES = 4;

/** The wait before a retry, in milliseconds: it doubles from the first to the last. */
const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 2000;

/** An attempt to forward an event. */
export interface Forwarded {
  readonly event: IncomingEvent;
  readonly backend: Backend;
  /** 1 for the first. */
  readonly attempt: number;
  /** undefined if the gateway no longer has the body. */
  readonly result: HttpResult | undefined;
  /** Whether it is retried. */
  readonly retried: boolean;
}

/** Gets notified of what a backend does. */
export interface BackendObserver {
  forwarded(forwarded: Forwarded): void;
  /** The backend can't be reached; its events wait. */
  unreachable(backend: Backend, reason: string): void;
  reachable(backend: Backend): void;
}

/** A backend that events are forwarded to. */
export class Backend {
  readonly url: URL;
  /** Its name in the state file. */
  readonly name: string;
  readonly #agent: Agent;
  readonly #timeoutMs: number;
  readonly #observer: BackendObserver;
  #isReachable = true;

  constructor(url: URL, agent: Agent, timeoutMs: number, observer: BackendObserver) {
    this.url = url;
    this.#agent = agent;
    this.name = urlHash(url);
    this.#timeoutMs = timeoutMs;
    this.#observer = observer;
  }

  /** The URL for output, without credentials and query, which may be secrets. */
  get displayUrl(): string {
    return `${this.url.origin}${this.url.pathname}`;
  }

  /**
   * Forwards an event until it is answered or given up. Returns false if `signal` was aborted before.
   *
   * Waits while the backend can't be reached. Every answer counts, whatever its status. Throws a
   * {@link Failure} if the backend's certificate is not trusted.
   */
  async forward(event: IncomingEvent, signal: AbortSignal): Promise<boolean> {
    let closed = 0;
    for (let waits = 0; !signal.aborted; waits += 1) {
      const result = await this.#post(event);
      const noAnswer = result !== undefined && "failure" in result ? result : undefined;
      if (noAnswer?.untrusted) throw untrustedError(this.url, noAnswer);
      if (noAnswer?.unreachable) {
        if (this.#isReachable) this.#observer.unreachable(this, noAnswer.failure);
        this.#isReachable = false;
      } else {
        if (!this.#isReachable) this.#observer.reachable(this);
        this.#isReachable = true;
        const attempt = closed + 1;
        const retried = noAnswer?.closed === true && closed < MAX_RETRIES;
        this.#observer.forwarded({ event, backend: this, attempt, result, retried });
        if (!retried) return true;
        closed += 1;
      }
      const wait = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** waits);
      await sleep(wait, undefined, { signal }).catch(() => {});
    }
    return false;
  }

  async #post({ sent, webhookId }: IncomingEvent): Promise<HttpResult | undefined> {
    if (sent === null) return undefined;
    const headers: [string, string][] = [
      ["content-type", "application/json"],
      [SIGNATURE_HEADER, sent.signature],
    ];
    if (webhookId !== null) headers.push(["webhook-id", webhookId]);
    const { body } = sent;
    return sendRequest(
      this.url,
      { method: "POST", headers, body, framing: "length" },
      this.#timeoutMs,
      { agent: this.#agent },
    );
  }
}
