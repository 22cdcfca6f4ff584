import { textCodecs } from "../../core/utf8.js";
import { sign } from "../../verifier/sign.js";
import { type Row, utf8, type ValidRequest } from "./case.js";
import { READ_OR_REFUSED, READ_OR_TOO_LONG, REFUSED, TAKEN } from "./expectation.js";

/** Bodies that differ from what was signed. */
export const otherBytes: readonly Row[] = [
  signedFor("changed", "one letter of the status", (good) => [
    good.body,
    utf8(good.text.replace("queued", "cueued")),
  ]),
  signedFor("cut-short", "the last byte is missing", ({ body }) => [body, body.slice(0, -1)]),
  signedFor("newline-added", "editors and proxies do", ({ body, text }) => [
    body,
    utf8(`${text}\n`),
  ]),
  signedFor("newline-dropped", "trimming does", ({ body, text }) => [utf8(`${text}\n`), body]),
  signedFor("crlf-added", "normalising drops it", (good) => [utf8(spaced(good)), crlf(good)]),
  signedFor("crlf-dropped", "the same, the other way round", (good) => [
    crlf(good),
    utf8(spaced(good)),
  ]),
  signedFor("nul-added", "texts of C end there", ({ body, text }) => [body, utf8(`${text}\0`)]),
  signedFor("bom-added", "decoders drop it", ({ body, text }) => [body, utf8(`\ufeff${text}`)]),
  signedFor("bom-dropped", "decoders drop it", ({ body, text }) => [utf8(`\ufeff${text}`), body]),
  signedFor("re-serialised", "parsed and written anew, it is another body", (good) => [
    utf8(good.text),
    utf8(spaced(good)),
  ]),
  signedFor("re-serialised-compact", "the same, the other way round", (good) => [
    utf8(spaced(good)),
    utf8(good.text),
  ]),
  signedFor("escaped", "the same letter, written in another way", ({ text, body }) => [
    body,
    utf8(text.replace("queued", "\\u0071ueued")),
  ]),
  signedFor("lossy-utf8", "two bodies under one signature", (good) => [
    lossy(notUtf8(good)),
    notUtf8(good),
  ]),
  signedFor("lossy-utf8-reversed", "the same, the other way round", (good) => [
    notUtf8(good),
    lossy(notUtf8(good)),
  ]),
  signedFor("empty-for-signed", "the signature of another body", ({ body }) => [body, utf8("")]),
];

/** Events that a receiver may not expect, and has to accept: Vtryon retries what is not accepted. */
export const unusual: readonly Row[] = [
  signed("spaced", "blanks mean nothing", TAKEN, spaced),
  signed("reordered", "members have no order", TAKEN, ({ task_id }) =>
    JSON.stringify({ status: "queued", task_id, event: "generation.status_changed" }),
  ),
  signed("more-fields", "Vtryon may add some", TAKEN, (good) => withField(good, '"api":{"v":[2]}')),
  signed("not-latin", "text is UTF-8", TAKEN, (good) => withField(good, '"note":"été 試着 🧥"')),
  signed("other-status", "Vtryon may add one", TAKEN, otherStatus),
  signed("other-event", "Vtryon may add one", TAKEN, otherEvent),
];

/** The last two without a valid signature: a receiver has to verify even what it ignores. */
export const unusualForged: readonly Row[] = [
  forged("other-status-unsigned", otherStatus),
  forged("other-event-unsigned", otherEvent),
];

/** Signed bodies that are no events. The receiver must not crash. */
export const unreadable: readonly Row[] = [
  unreadableRow("empty", "", () => ""),
  unreadableRow("not-json", "", () => "event=generation.status_changed"),
  unreadableRow("half-json", "", ({ text }) => text.slice(0, 40)),
  unreadableRow("two-values", "one JSON text, then another", ({ text }) => text + text),
  unreadableRow("null", "JSON, no object", () => "null"),
  unreadableRow("number", "JSON, no object", () => "7"),
  unreadableRow("array", "JSON, no object", ({ text }) => `[${text}]`),
  unreadableRow("bom", "JSON must not begin with it", ({ text }) => `\ufeff${text}`),
  unreadableRow("nul", "within a string", (good) => withField(good, '"note":"\0"')),
  unreadableRow("lone-surrogate", "half a character", (good) =>
    withField(good, '"note":"\\ud800"'),
  ),
  unreadableRow("huge-number", "past what a double holds", (good) => withField(good, '"n":1e999')),
  unreadableRow("no-task", "", () => '{"event":"generation.status_changed","status":"queued"}'),
  unreadableRow("no-status", "", ({ text }) => text.replace('"status"', '"state"')),
  unreadableRow("task-number", "wrong type", ({ task_id, text }) =>
    text.replace(`"${task_id}"`, "7"),
  ),
  unreadableRow("task-null", "wrong type", ({ task_id, text }) =>
    text.replace(`"${task_id}"`, "null"),
  ),
  unreadableRow("task-empty", "", ({ task_id, text }) => text.replace(task_id, "")),
  unreadableRow("task-long", "10,000 letters", ({ task_id, text }) =>
    text.replace(task_id, "t".repeat(10_000)),
  ),
  unreadableRow("task-control", "a line break", ({ task_id, text }) =>
    text.replace(task_id, "a\\nb"),
  ),
  unreadableRow("task-path", "", ({ task_id, text }) => text.replace(task_id, "../..")),
  unreadableRow("task-proto", "a name that objects have", ({ task_id, text }) =>
    text.replace(task_id, "__proto__"),
  ),
  unreadableRow("task-constructor", "a name that objects have", ({ task_id, text }) =>
    text.replace(task_id, "constructor"),
  ),
  unreadableRow("status-proto", "a name that objects have", ({ text }) =>
    text.replace("queued", "__proto__"),
  ),
  unreadableRow("status-object", "wrong type", ({ text }) => text.replace('"queued"', "{}")),
  unreadableRow("event-null", "wrong type", ({ text }) =>
    text.replace('"generation.status_changed"', "null"),
  ),
  unreadableRow("data-string", "wrong type", (good) => withField(good, '"data":"x"')),
  unreadableRow("error-array", "wrong type", (good) => withField(good, '"error":[]')),
  unreadableRow("url-number", "wrong type", (good) => withField(good, '"data":{"result_url":7}')),
  unreadableRow("proto-member", "it must not become a prototype", (good) =>
    withField(good, '"__proto__":{"status":"completed"}'),
  ),
  unreadableRow("twice-task", "parsers differ in which one they take", (good) =>
    withField(good, '"task_id":"task_other"'),
  ),
  unreadableRow("twice-status", "parsers differ in which one they take", (good) =>
    withField(good, '"status":"completed"'),
  ),
  ["not-utf8", "signed, but not text", READ_OR_REFUSED, (good) => ({ body: notUtf8(good) })],
  signed("deep", "100,000 brackets", READ_OR_TOO_LONG, () => nested(100_000, "")),
  signed("deep-field", "50,000 brackets in a field", READ_OR_TOO_LONG, (good) =>
    withField(good, `"data":{"x":${nested(50_000, "1")}}`),
  ),
];

/** Creates a row that is sent with the signature of another body. */
function signedFor(
  name: string,
  why: string,
  bodies: (good: ValidRequest) => [signed: Uint8Array, sent: Uint8Array],
): Row {
  return [
    name,
    why,
    REFUSED,
    (good) => {
      const [covered, body] = bodies(good);
      return { body, signatures: [sign(covered, good.secret)] };
    },
  ];
}

function signed(
  name: string,
  why: string,
  expect: Row[2],
  text: (good: ValidRequest) => string,
): Row {
  return [name, why, expect, (good) => ({ body: utf8(text(good)) })];
}

function forged(name: string, text: (good: ValidRequest) => string): Row {
  return [
    name,
    "an ignored event has to be verified too",
    REFUSED,
    (good) => ({ body: utf8(text(good)), signatures: ["0".repeat(64)] }),
  ];
}

function unreadableRow(name: string, detail: string, text: (good: ValidRequest) => string): Row {
  const why = `signed, but no event that can be read, or an odd one${detail === "" ? "" : `: ${detail}`}`;
  return signed(name, why, READ_OR_REFUSED, text);
}

function spaced({ text }: ValidRequest): string {
  return JSON.stringify(JSON.parse(text), null, 2);
}

const crlf = (good: ValidRequest): Uint8Array => utf8(spaced(good).replaceAll("\n", "\r\n"));

function otherStatus({ text }: ValidRequest): string {
  return text.replace("queued", "paused");
}

function otherEvent({ task_id }: ValidRequest): string {
  return JSON.stringify({ event: "account.updated", task_id });
}

const withField = ({ text }: ValidRequest, field: string): string =>
  text.replace(/\}$/, `,${field}}`);

const nested = (depth: number, inner: string): string =>
  "[".repeat(depth) + inner + "]".repeat(depth);

/** Returns an event with a byte that is invalid in UTF-8. */
function notUtf8(good: ValidRequest): Uint8Array {
  const body = utf8(withField(good, '"note":"?"'));
  body[body.lastIndexOf(0x3f)] = 0xff;
  return body;
}

/** Replaces invalid UTF-8, as decoders do that are not strict. */
const lossy = (body: Uint8Array): Uint8Array => {
  const { TextDecoder: Decoder } = textCodecs();
  return utf8(new Decoder().decode(body));
};
