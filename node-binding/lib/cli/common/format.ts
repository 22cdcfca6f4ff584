import { answerField, type HttpResult } from "../../testing/http-client.js";
import type { Attempt, Pace } from "../trigger/deliver.js";
import { columns, type Style, span } from "./terminal.js";

/** The widest status and fault, so that the lines of a run stand in columns. */
export const WIDTHS: readonly number[] = [19, 26];

/** Tells an attempt in one line: when, what, and what was answered. */
export function lineOf(attempt: Attempt, pace: Pace, style: Style): string {
  const { planned, number, outcome, ok } = attempt;
  const { status, task_id } = planned.event;
  const what = planned.forged === null ? status : `${status} (${planned.forged})`;
  const answer = (ok ? style.good : style.bad)(answerOf(outcome));
  const notes = [answer, number > 1 ? `attempt ${number}` : "", nextOf(attempt, pace)];
  const told = `[${task_id}]  → ${notes.filter((note) => note !== "").join(", ")}`;
  return columns([style.dim(clock()), what, told], WIDTHS);
}

/** Tells what follows from an attempt; of one that came out as it has to, nothing. */
function nextOf({ planned, number, outcome, ok, retryInMs }: Attempt, pace: Pace): string {
  if (ok) return "";
  if (retryInMs === null) {
    return planned.forged !== null && "status" in outcome ? "must be refused" : "given up";
  }
  const here = pace.timeScale === 1 ? "" : `, here ${span(retryInMs / pace.timeScale)}`;
  return `retry ${number} of ${pace.retries} in ${span(retryInMs)}${here}`;
}

/** Tells an attempt for programs. */
export function recordOf({ planned, number, outcome, ok, retryInMs }: Attempt): object {
  const answered = !("none" in outcome);
  return {
    time: new Date().toISOString(),
    event: planned.event.event,
    task_id: planned.event.task_id,
    status: planned.event.status,
    forged: planned.forged,
    attempt: number,
    ok,
    answer: answered ? outcome.status : null,
    retry_after: answered ? (outcome.retryAfter ?? null) : null,
    failure: answered ? null : outcome.none,
    retry_in_ms: retryInMs,
  };
}

/** Tells what was answered: the status, the code of an error, the number of seconds. */
export function answerOf(outcome: HttpResult): string {
  if ("none" in outcome) return outcome.none;
  const { status, retryAfter } = outcome;
  // It may be a date, and it is a stranger's text: only seconds are shown.
  const later = /^\d{1,9}$/.test(retryAfter ?? "") ? ` (retry-after ${retryAfter} s)` : "";
  const code = shownOf(outcome, "error");
  return `${status}${/^[a-z_]{1,40}$/.test(code) ? ` ${code}` : ""}${later}`;
}

/** Reads a text of an answer in JSON, with nothing in it that a terminal obeys. */
export function shownOf(outcome: HttpResult, name: "error" | "message"): string {
  const said = answerField(outcome, name);
  return typeof said === "string" ? plain(said) : "";
}

/** Shows a stranger's text with nothing in it that a terminal obeys. */
export function plain(text: string): string {
  // By characters: half of one is none.
  return [...text.replace(/[\p{C}\p{Z}]+/gu, " ").trim()].slice(0, 300).join("");
}

/** What to do about a certificate that is not trusted. */
export const TRUST_HINT =
  "Trust its authority with --ca <file> or NODE_EXTRA_CA_CERTS; for a server on this machine there is --insecure.";

/** Says what is probably wrong where good events had these answers, if they all say the same. */
export function hintOf(outcomes: readonly HttpResult[]): string | undefined {
  const all = (...statuses: number[]) =>
    outcomes.every((outcome) => "status" in outcome && statuses.includes(outcome.status));
  if (outcomes.length === 0) return undefined;
  if (all(401, 403)) {
    return "The endpoint refuses good events: is this the secret that it verifies with?";
  }
  if (outcomes.every((outcome) => "none" in outcome && outcome.untrusted)) return TRUST_HINT;
  if (all(404, 405)) return "Nothing takes a POST at this path: is it the endpoint's?";
  return undefined;
}

/** The time of the day, in the time of the place. */
export function clock(): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}
