// Formats events, attempts and answers for output.

import { answerField, type HttpResult } from "../../testing/http-client.js";
import type { Attempt, Pace } from "../trigger/deliver.js";
import { columns, type Style, span } from "./terminal.js";

/** The widths of the first columns: the time, then the status with the fault. */
export const WIDTHS: readonly number[] = [19, 26];

/** Formats an attempt as one line: time, event, answer. */
export function lineOf(attempt: Attempt, pace: Pace, style: Style): string {
  const { planned, number, result, ok } = attempt;
  const { status, task_id } = planned.event;
  const what = planned.forged === null ? status : `${status} (${planned.forged})`;
  const answer = (ok ? style.good : style.bad)(answerOf(result));
  const notes = [answer, number > 1 ? `attempt ${number}` : "", nextStep(attempt, pace)];
  const answers = `[${task_id}]  → ${notes.filter((note) => note !== "").join(", ")}`;
  return columns([style.dim(clock()), what, answers], WIDTHS);
}

/** Describes what happens after an attempt; nothing after a successful one. */
function nextStep({ planned, number, result, ok, retryInMs }: Attempt, pace: Pace): string {
  if (ok) return "";
  if (retryInMs === null) {
    return planned.forged !== null && "status" in result ? "must be refused" : "given up";
  }
  const here = pace.timeScale === 1 ? "" : `, here ${span(retryInMs / pace.timeScale)}`;
  return `retry ${number} of ${pace.retries} in ${span(retryInMs)}${here}`;
}

/** Returns the JSON record of an attempt. */
export function recordOf({ planned, number, result, ok, retryInMs }: Attempt): object {
  const answered = !("failure" in result);
  return {
    time: new Date().toISOString(),
    event: planned.event.event,
    task_id: planned.event.task_id,
    status: planned.event.status,
    forged: planned.forged,
    attempt: number,
    ok,
    answer: answered ? result.status : null,
    retry_after: answered ? (result.retryAfter ?? null) : null,
    failure: answered ? null : result.failure,
    retry_in_ms: retryInMs,
  };
}

/** Formats an answer: the status, the error code, the seconds of `retry-after`. */
export function answerOf(result: HttpResult): string {
  if ("failure" in result) return result.failure;
  const { status, retryAfter } = result;
  // Only a number is shown: it may also be a date, or anything else.
  const later = /^\d{1,9}$/.test(retryAfter ?? "") ? ` (retry-after ${retryAfter} s)` : "";
  const code = answerText(result, "error");
  return `${status}${/^[a-z_]{1,40}$/.test(code) ? ` ${code}` : ""}${later}`;
}

/** Returns a string of a JSON answer without control characters, or an empty one. */
export function answerText(result: HttpResult, name: "error" | "message"): string {
  const value = answerField(result, name);
  return typeof value === "string" ? plain(value) : "";
}

/** Removes control characters, which a terminal would obey, and shortens the text. */
export function plain(text: string): string {
  // By code points, so that no surrogate pair is cut.
  return [...text.replace(/[\p{C}\p{Z}]+/gu, " ").trim()].slice(0, 300).join("");
}

/** What to do about a certificate that is not trusted. */
export const TRUST_HINT =
  "Trust its authority with --ca <file> or NODE_EXTRA_CA_CERTS; for a server on this machine there is --insecure.";

/** Returns the likely reason if all these answers to valid events point to the same one. */
export function hintOf(results: readonly HttpResult[]): string | undefined {
  const all = (...statuses: number[]) =>
    results.every((result) => "status" in result && statuses.includes(result.status));
  if (results.length === 0) return undefined;
  if (all(401, 403)) {
    return "The endpoint refuses good events: is this the secret that it verifies with?";
  }
  if (results.every((result) => "failure" in result && result.untrusted)) return TRUST_HINT;
  if (all(404, 405)) return "Nothing takes a POST at this path: is it the endpoint's?";
  return undefined;
}

/** Returns the local time. */
export function clock(): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}
