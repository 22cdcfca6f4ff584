import { proxyFor } from "../common/connection.js";
import { answerOf, clock, hintOf, plain, shownOf, WIDTHS } from "../common/format.js";
import { columns, print, type Style, styleOf } from "../common/terminal.js";
import type { Backend, BackendObserver, Forwarded } from "./backend.js";
import type { Gap } from "./gateway/protocol.js";

const NOT_ITS_SECRET =
  "It refuses good events: does it verify with the secret that Vtryon signs with?";

/** Tells what happens: events on standard output, troubles and what is said once on standard error. */
export class Output implements BackendObserver {
  readonly #gateway: URL;
  readonly #json: boolean;
  readonly #several: boolean;
  readonly #style: Style = styleOf(process.stdout);
  /** What was said and would be said again and again. */
  readonly #said: Set<string> = new Set();
  #away = false;

  constructor(gateway: URL, { json, several }: { json: boolean; several: boolean }) {
    this.#gateway = gateway;
    this.#json = json;
    this.#several = several;
  }

  started(backends: readonly Backend[]): void {
    for (const { shown } of backends) this.#say(`${this.#gateway.origin} → ${shown}`);
    const proxy = proxyFor(this.#gateway);
    // Without its name and password.
    if (proxy !== undefined) this.#say(`The gateway is reached through the proxy ${proxy.origin}`);
    this.#say(
      "The signature is Vtryon's own: the backend needs the secret that Vtryon signs with.",
    );
  }

  /** Every shard is followed: what comes from now on is seen. */
  ready(shards: number): void {
    this.#away = false;
    if (this.#json) print(JSON.stringify({ type: "ready", shards }));
    else this.#say("listening");
  }

  forwarded(forwarded: Forwarded): void {
    const { backend, outcome, again } = forwarded;
    print(this.#json ? JSON.stringify(recordOf(forwarded)) : this.#lineOf(forwarded));
    if (outcome === undefined || again || isGood(outcome)) return;
    const isRefused = "status" in outcome && [401, 403].includes(outcome.status);
    const hint = isRefused ? NOT_ITS_SECRET : hintOf([outcome]);
    if (hint !== undefined) this.#once(`${backend.shown}: ${hint}`);
  }

  unreachable({ shown }: Backend, reason: string): void {
    this.#say(`${shown}: ${reason}; what is for it waits until it is there`);
  }

  reachable({ shown }: Backend): void {
    this.#say(`${shown} is there`);
  }

  gap(shard: number, { from, to }: Gap): void {
    if (this.#json) print(JSON.stringify({ type: "gap", shard, from, to }));
    this.#say(
      `warning: the gateway no longer has events ${from} to ${to} of shard ${shard}: those that were not forwarded are lost`,
    );
  }

  away(reason: string): void {
    if (!this.#away)
      this.#say(`${this.#gateway.origin}: ${reason}; trying again until it is there`);
    this.#away = true;
  }

  stopping(running: number): void {
    if (running === 0) return;
    const events = running === 1 ? "the event that is" : `the ${running} events that are`;
    this.#say(`waiting for ${events} under way; the same signal again ends it at once`);
  }

  #say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  #once(line: string): void {
    if (!this.#said.has(line)) this.#say(line);
    this.#said.add(line);
  }

  #lineOf({ event, backend, attempt, outcome, again }: Forwarded): string {
    const style = this.#style;
    const { type, task, status, outcome: meaning } = event;
    const what = plain(status ?? event.event ?? "unreadable");
    const marks = [type === "replay" ? "replay" : "", meaning === "applied" ? "" : plain(meaning)];
    const known = marks.filter((mark) => mark !== "" && mark !== what).join(", ");
    const good = outcome !== undefined && isGood(outcome);
    const answer = outcome === undefined ? "not sent: the gateway has no body" : answerOf(outcome);
    const message = outcome === undefined || good ? "" : shownOf(outcome, "message");
    const notes = [
      (good ? style.good : style.bad)(message === "" ? answer : `${answer}: ${message}`),
      attempt > 1 ? `attempt ${attempt}` : "",
      again ? "again in a moment" : good ? "" : "passed over",
    ].filter((note) => note !== "");
    const where = this.#several ? `${backend.shown} ` : "";
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

/** Tells an attempt for programs. */
function recordOf({ event, backend, attempt, outcome, again }: Forwarded): object {
  const none = outcome === undefined ? "no body" : "none" in outcome ? outcome.none : null;
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
    forward: backend.shown,
    attempt,
    ok: outcome !== undefined && isGood(outcome),
    answer: outcome !== undefined && "status" in outcome ? outcome.status : null,
    failure: none,
    again,
  };
}

function isGood(outcome: NonNullable<Forwarded["outcome"]>): boolean {
  return "status" in outcome && outcome.status >= 200 && outcome.status < 300;
}
