import type { HttpResult } from "../../testing/http-client.js";
import { proxyFor } from "../common/connection.js";
import { answerOf, answerText, clock, hintOf, plain, WIDTHS } from "../common/format.js";
import { columns, print, type Style, styleOf } from "../common/terminal.js";
import type { Gap } from "../gateway/protocol.js";
import { Reachability } from "../gateway/reachability.js";
import type { Backend, BackendObserver, Forwarded } from "./backend.js";

const WRONG_SECRET_HINT =
  "It refuses good events: does it verify with the secret that Vtryon signs with?";

/** Prints what happens: events to standard output, everything else to standard error. */
export class Output implements BackendObserver {
  readonly #gateway: URL;
  readonly #json: boolean;
  readonly #several: boolean;
  readonly #style: Style = styleOf(process.stdout);
  /** Hints that were printed, which are not repeated. */
  readonly #printedHints: Set<string> = new Set();
  readonly #reachability: Reachability;

  constructor(gateway: URL, { json, several }: { json: boolean; several: boolean }) {
    this.#gateway = gateway;
    this.#json = json;
    this.#several = several;
    this.#reachability = new Reachability(gateway, (line) => this.#say(line));
  }

  started(backends: readonly Backend[]): void {
    for (const { displayUrl } of backends) this.#say(`${this.#gateway.origin} → ${displayUrl}`);
    const proxy = proxyFor(this.#gateway);
    // The origin has no credentials.
    if (proxy !== undefined) this.#say(`The gateway is reached through the proxy ${proxy.origin}`);
    this.#say(
      "The signature is Vtryon's own: the backend needs the secret that Vtryon signs with.",
    );
  }

  /** Every shard is connected and caught up. */
  ready(shards: number): void {
    this.#reachability.reached();
    if (this.#json) print(JSON.stringify({ type: "ready", shards }));
    else this.#say("listening");
  }

  forwarded(forwarded: Forwarded): void {
    const { backend, result, retried } = forwarded;
    print(this.#json ? JSON.stringify(recordOf(forwarded)) : this.#lineOf(forwarded));
    if (result === undefined || retried || isSuccess(result)) return;
    const isRefused = "status" in result && [401, 403].includes(result.status);
    const hint = isRefused ? WRONG_SECRET_HINT : hintOf([result]);
    if (hint !== undefined) this.#hintOnce(`${backend.displayUrl}: ${hint}`);
  }

  unreachable({ displayUrl }: Backend, reason: string): void {
    this.#say(`${displayUrl}: ${reason}; its events wait until it can be reached`);
  }

  reachable({ displayUrl }: Backend): void {
    this.#say(`${displayUrl} can be reached again`);
  }

  gap(shard: number, { from, to }: Gap): void {
    if (this.#json) print(JSON.stringify({ type: "gap", shard, from, to }));
    this.#say(
      `warning: the gateway no longer has events ${from} to ${to} of shard ${shard}: those that were not forwarded are lost`,
    );
  }

  away(reason: string): void {
    this.#reachability.away(reason);
  }

  stopping(running: number): void {
    if (running === 0) return;
    const events = running === 1 ? "the event that is" : `the ${running} events that are`;
    this.#say(`waiting for ${events} in progress; the same signal again ends it at once`);
  }

  #say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  #hintOnce(line: string): void {
    if (!this.#printedHints.has(line)) this.#say(line);
    this.#printedHints.add(line);
  }

  #lineOf({ event, backend, attempt, result, retried }: Forwarded): string {
    const style = this.#style;
    const { type, task, status, outcome } = event;
    const what = plain(status ?? event.event ?? "unreadable");
    const marks = [type === "replay" ? "replay" : "", outcome === "applied" ? "" : plain(outcome)];
    const known = marks.filter((mark) => mark !== "" && mark !== what).join(", ");
    const isGood = result !== undefined && isSuccess(result);
    const answer = result === undefined ? "not sent: the gateway has no body" : answerOf(result);
    const message = result === undefined || isGood ? "" : answerText(result, "message");
    const notes = [
      (isGood ? style.good : style.bad)(message === "" ? answer : `${answer}: ${message}`),
      attempt > 1 ? `attempt ${attempt}` : "",
      retried ? "retrying" : isGood ? "" : "skipped",
    ].filter((note) => note !== "");
    const where = this.#several ? `${backend.displayUrl} ` : "";
    return columns(
      [
        style.dim(clock()),
        known === "" ? what : `${what} (${known})`,
        `[${plain(task ?? "no task")}]  → ${where}${notes.join(", ")}`,
      ],
      WIDTHS,
    );
  }
}

/** Returns the JSON record of an attempt. */
function recordOf({ event, backend, attempt, result, retried }: Forwarded): object {
  const failure = result === undefined ? "no body" : "failure" in result ? result.failure : null;
  return {
    type: event.type,
    time: new Date().toISOString(),
    id: event.id,
    event: event.event,
    task_id: event.task,
    status: event.status,
    outcome: event.outcome,
    received_at: event.receivedAt,
    webhook_id: event.webhookId,
    delivery: event.delivery,
    forward: backend.displayUrl,
    attempt,
    ok: result !== undefined && isSuccess(result),
    answer: result !== undefined && "status" in result ? result.status : null,
    failure,
    retried,
  };
}

function isSuccess(result: HttpResult): boolean {
  return "status" in result && result.status >= 200 && result.status < 300;
}
