import { textCodecs } from "../../core/utf8.js";
import { sign } from "../../verifier/sign.js";
import { type Good, type Row, utf8 } from "./case.js";
import { READ_OR_REFUSED, READ_OR_TOO_LONG, REFUSED, TAKEN } from "./expectation.js";

/** Bodies that are not, byte for byte, what was signed. */
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

/** Events that a receiver may not expect, and has to take: what is not taken comes again. */
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

/** The last two without a good signature: what a receiver ignores it has to verify all the same. */
export const unusualForged: readonly Row[] = [
  forged("other-status-unsigned", otherStatus),
  forged("other-event-unsigned", otherEvent),
];

/** Bodies that are signed and no events: whatever is done with them, nothing breaks. */
export const unreadable: readonly Row[] = [
  unread("empty", "", () => ""),
  unread("not-json", "", () => "event=generation.status_changed"),
  unread("half-json", "", ({ text }) => text.slice(0, 40)),
  unread("two-values", "one JSON text, then another", ({ text }) => text + text),
  unread("null", "JSON, no object", () => "null"),
  unread("number", "JSON, no object", () => "7"),
  unread("array", "JSON, no object", ({ text }) => `[${text}]`),
  unread("bom", "JSON must not begin with it", ({ text }) => `\ufeff${text}`),
  unread("nul", "within a string", (good) => withField(good, '"note":"\0"')),
  unread("lone-surrogate", "half a character", (good) => withField(good, '"note":"\\ud800"')),
  unread("huge-number", "past what a double holds", (good) => withField(good, '"n":1e999')),
  unread("no-task", "", () => '{"event":"generation.status_changed","status":"queued"}'),
  unread("no-status", "", ({ text }) => text.replace('"status"', '"state"')),
  unread("task-number", "wrong type", ({ task_id, text }) => text.replace(`"${task_id}"`, "7")),
  unread("task-null", "wrong type", ({ task_id, text }) => text.replace(`"${task_id}"`, "null")),
  unread("task-empty", "", ({ task_id, text }) => text.replace(task_id, "")),
  unread("task-long", "10,000 letters", ({ task_id, text }) =>
    text.replace(task_id, "t".repeat(10_000)),
  ),
  unread("task-control", "a line break", ({ task_id, text }) => text.replace(task_id, "a\\nb")),
  unread("task-path", "", ({ task_id, text }) => text.replace(task_id, "../..")),
  unread("task-proto", "a name that objects have", ({ task_id, text }) =>
    text.replace(task_id, "__proto__"),
  ),
  unread("task-constructor", "a name that objects have", ({ task_id, text }) =>
    text.replace(task_id, "constructor"),
  ),
  unread("status-proto", "a name that objects have", ({ text }) =>
    text.replace("queued", "__proto__"),
  ),
  unread("status-object", "wrong type", ({ text }) => text.replace('"queued"', "{}")),
  unread("event-null", "wrong type", ({ text }) =>
    text.replace('"generation.status_changed"', "null"),
  ),
  unread("data-string", "wrong type", (good) => withField(good, '"data":"x"')),
  unread("error-array", "wrong type", (good) => withField(good, '"error":[]')),
  unread("url-number", "wrong type", (good) => withField(good, '"data":{"result_url":7}')),
  unread("proto-member", "it must not become a prototype", (good) =>
    withField(good, '"__proto__":{"status":"completed"}'),
  ),
  unread("twice-task", "parsers differ in which one they take", (good) =>
    withField(good, '"task_id":"task_other"'),
  ),
  unread("twice-status", "parsers differ in which one they take", (good) =>
    withField(good, '"status":"completed"'),
  ),
  ["not-utf8", "signed, but not text", READ_OR_REFUSED, (good) => ({ body: notUtf8(good) })],
  signed("deep", "100,000 brackets", READ_OR_TOO_LONG, () => nested(100_000, "")),
  signed("deep-field", "50,000 brackets in a field", READ_OR_TOO_LONG, (good) =>
    withField(good, `"data":{"x":${nested(50_000, "1")}}`),
  ),
];

/** A row that is sent with the signature of another body. */
function signedFor(
  name: string,
  why: string,
  bodies: (good: Good) => [signed: Uint8Array, sent: Uint8Array],
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

function signed(name: string, why: string, expect: Row[2], text: (good: Good) => string): Row {
  return [name, why, expect, (good) => ({ body: utf8(text(good)) })];
}

function forged(name: string, text: (good: Good) => string): Row {
  return [
    name,
    "what is not looked for is verified too",
    REFUSED,
    (good) => ({ body: utf8(text(good)), signatures: ["0".repeat(64)] }),
  ];
}

function unread(name: string, detail: string, text: (good: Good) => string): Row {
  const why = `signed, but no event that can be read, or an odd one${detail === "" ? "" : `: ${detail}`}`;
  return signed(name, why, READ_OR_REFUSED, text);
}

function spaced({ text }: Good): string {
  return JSON.stringify(JSON.parse(text), null, 2);
}

const crlf = (good: Good): Uint8Array => utf8(spaced(good).replaceAll("\n", "\r\n"));

function otherStatus({ text }: Good): string {
  return text.replace("queued", "paused");
}

function otherEvent({ task_id }: Good): string {
  return JSON.stringify({ event: "account.updated", task_id });
}

const withField = ({ text }: Good, field: string): string => text.replace(/\}$/, `,${field}}`);

const nested = (depth: number, inner: string): string =>
  "[".repeat(depth) + inner + "]".repeat(depth);

/** An event with a byte in it that no UTF-8 has. */
function notUtf8(good: Good): Uint8Array {
  const body = utf8(withField(good, '"note":"?"'));
  body[body.lastIndexOf(0x3f)] = 0xff;
  return body;
}

/** What decoders make of it when they are not told to be strict. */
const lossy = (body: Uint8Array): Uint8Array => {
  const { TextDecoder: Decoder } = textCodecs();
  return utf8(new Decoder().decode(body));
};
