// When a delivery is tried again: the pauses, the next time, what a header asks for, what an answer means.

import { createHash } from "node:crypto";
import { bytes, hex, text } from "./bytes.js";

const HOUR = 3_600_000;
const WINDOW = 24 * HOUR;
const STEPS = [110_000, 550_000, 2_750_000, 13_750_000, 68_750_000];

/** The pause by the rule as it is written down: a digest's first 8 bytes modulo a tenth and one. */
function pauseOf(subject, retry) {
  const nominal = STEPS[retry - 1];
  if (nominal === undefined) return null;
  const number = Buffer.alloc(4);
  number.writeUInt32BE(retry);
  const digest = createHash("sha256").update(bytes(subject)).digest();
  const head = createHash("sha256").update(digest).update(number).digest().readBigUInt64BE();
  return nominal - Number(head % BigInt(nominal / 10 + 1));
}

function tried(name, why, { subject = text("task_123"), attempt, first = 0, at = 0, asks = null }) {
  const nominal = STEPS[attempt - 1] ?? null;
  const pause = pauseOf(subject, attempt);
  let next = pause === null ? null : at + pause;
  if (next !== null && asks !== null) next = Math.max(next, Math.min(at + asks, first + WINDOW));
  const asked = { first_at: first, attempted_at: at, retry_after: asks };
  return { name, why, subject, attempt, ...asked, nominal, pause, next };
}

const SUBJECTS = [
  ["a task", text("task_123")],
  ["another task", text("task_124")],
  ["a task not in ASCII", text("tâche-🧥")],
  ["a body that can't be read", hex("ff00fe")],
];

const schedule = SUBJECTS.flatMap(([whose, subject]) =>
  STEPS.map((_, place) =>
    tried(`${whose}, retry ${place + 1}`, "the jitter comes from what is delivered", {
      subject,
      attempt: place + 1,
      at: 1_780_000_000_000,
      first: 1_780_000_000_000,
    }),
  ),
);

const header = (name, why, header, ms) => ({ name, why, header, ms });
const answer = (status, reply, why) => ({ name: `status ${status}`, why, status, reply });

export const retry = [
  ...schedule,
  tried("the last attempt", "five retries follow the first: now it is a dead letter", {
    attempt: 6,
  }),
  tried("the last attempt, asked to come again", "a dead letter all the same", {
    attempt: 6,
    asks: 1000,
  }),
  tried("far beyond the last attempt", "no overflow", { attempt: 4_294_967_295 }),
  tried("no attempt", "the first one is number 1", { attempt: 0 }),
  tried("asked earlier", "a retry is never hastened", { attempt: 3, asks: 60_000 }),
  tried("asked for now", "a retry is never hastened", { attempt: 1, asks: 0 }),
  tried("asked for the past", "a date that has gone by", { attempt: 1, asks: -60_000 }),
  tried("asked later", "honoured", { attempt: 1, asks: 600_000 }),
  tried("asked for the end of the window", "the latest", { attempt: 1, asks: WINDOW }),
  tried("asked beyond the window", "no later than 24 hours after the first attempt", {
    attempt: 1,
    asks: WINDOW + 1,
  }),
  tried("asked beyond the window, after hours", "the window begins at the first attempt", {
    attempt: 4,
    at: 5 * HOUR,
    asks: 20 * HOUR,
  }),
  tried("asked for the end of time", "no overflow", {
    attempt: 2,
    at: HOUR,
    asks: Number.MAX_SAFE_INTEGER,
  }),
  tried("asked after the window", "attempts that came late: the plain schedule", {
    attempt: 5,
    at: 30 * HOUR,
    asks: HOUR,
  }),
  header("seconds", "RFC 9110, 10.2.3", "120", 120_000),
  header("no seconds", "now", "0", 0),
  header("leading zeros", "digits are digits", "007", 7000),
  header("a day", "the window itself", "86400", WINDOW),
  header("more than a day", "no more than the window", "86401", WINDOW),
  header("more than 63 bits", "no overflow", "9223372036854775808", WINDOW),
  header("63 bits", "no overflow", "9223372036854775807", WINDOW),
  header(
    "a date",
    "the shell reads it, for that takes a clock",
    "Wed, 01 Jul 2026 12:00:00 GMT",
    null,
  ),
  header("empty", "says nothing", "", null),
  header("below zero", "not digits alone", "-1", null),
  header("a sign", "not digits alone", "+1", null),
  header("a fraction", "not digits alone", "1.5", null),
  header("an exponent", "not digits alone", "1e3", null),
  header("a blank", "not digits alone", " 1", null),
  header("other digits", "not ASCII", "１２", null),
  answer(200, "delivered", "2xx"),
  answer(204, "delivered", "2xx"),
  answer(299, "delivered", "2xx"),
  answer(410, "gone", "it says that it is there no more"),
  answer(401, "unauthorized", "it refuses the signature"),
  answer(403, "unauthorized", "it refuses the signature"),
  answer(199, "refused", "below 2xx"),
  answer(300, "refused", "above 2xx"),
  answer(301, "refused", "redirects are never followed"),
  answer(308, "refused", "redirects are never followed"),
  answer(404, "refused", "it may be there again"),
  answer(429, "refused", "too many at once"),
  answer(500, "refused", "a fault"),
  answer(503, "refused", "a fault"),
  answer(0, "refused", "no status at all"),
];
