import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { SIGNATURE_HEADER } from "../../core/payload.js";
import { type HttpResult, sendRequest } from "../../testing/http-client.js";
import { untrusted } from "./gateway/errors.js";
import type { IncomingEvent } from "./gateway/protocol.js";
import { nameOf } from "./state/state-file.js";

/** How often an event is sent again whose connection was closed without an answer. */
const CLOSED_AGAIN = 4;

/** How long to wait before an event is sent again, in milliseconds: first, and at most. */
const FIRST_MS = 250;
const LAST_MS = 2000;

/** An attempt to forward an event. */
export interface Forwarded {
  readonly event: IncomingEvent;
  readonly backend: Backend;
  /** 1 for the first. */
  readonly attempt: number;
  /** undefined where the gateway no longer has what Vtryon sent. */
  readonly outcome: HttpResult | undefined;
  /** Whether it is sent again. */
  readonly again: boolean;
}

/** Whom a backend tells what becomes of events. */
export interface BackendObserver {
  forwarded(forwarded: Forwarded): void;
  /** It can't be reachable: what is for it waits. */
  unreachable(backend: Backend, reason: string): void;
  reachable(backend: Backend): void;
}

/** A backend that events are forwarded to. */
export class Backend {
  readonly url: URL;
  /** What the state calls it. */
  readonly name: string;
  readonly #agent: Agent;
  readonly #timeoutMs: number;
  readonly #watcher: BackendObserver;
  #isReached = true;

  constructor(url: URL, agent: Agent, timeoutMs: number, watcher: BackendObserver) {
    this.url = url;
    this.#agent = agent;
    this.name = nameOf(url);
    this.#timeoutMs = timeoutMs;
    this.#watcher = watcher;
  }

  /** How it is shown: neither a name, a password nor a query, which may be secrets. */
  get shown(): string {
    return `${this.url.origin}${this.url.pathname}`;
  }

  /**
   * Forwards an event until it is answered or given up; tells whether that was so before `signal` came.
   *
   * A backend that can't be reached is waited for. Any answer is one. Throws a {@link Failure} where its certificate
   * is not trusted.
   */
  async forward(event: IncomingEvent, signal: AbortSignal): Promise<boolean> {
    let closed = 0;
    for (let waits = 0; !signal.aborted; waits += 1) {
      const outcome = await this.#post(event);
      const none = outcome !== undefined && "none" in outcome ? outcome : undefined;
      if (none?.untrusted) throw untrusted(this.url, none);
      if (none?.unreachable) {
        if (this.#isReached) this.#watcher.unreachable(this, none.none);
        this.#isReached = false;
      } else {
        if (!this.#isReached) this.#watcher.reachable(this);
        this.#isReached = true;
        const attempt = closed + 1;
        const again = none?.closed === true && closed < CLOSED_AGAIN;
        this.#watcher.forwarded({ event, backend: this, attempt, outcome, again });
        if (!again) return true;
        closed += 1;
      }
      const wait = Math.min(LAST_MS, FIRST_MS * 2 ** waits);
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
