import type { Good, Row } from "./case.js";
import { utf8 } from "./case.js";
import {
  CUT_OFF,
  OTHER_METHOD,
  REFUSED,
  REFUSED_OR_TOO_LONG,
  REFUSED_OR_UNSUPPORTED,
  TAKEN,
  TAKEN_OR_LATER,
  TAKEN_OR_TOO_LONG,
  TAKEN_OR_UNSUPPORTED,
  TOO_LONG,
} from "./expectation.js";

/** The default limit of a body and the highest, in bytes. */
const DEFAULT_LIMIT = 256 * 1024;
const MAX_LIMIT = 1024 * 1024;

const WRONG = ["0".repeat(64)];
const FORM = "application/x-www-form-urlencoded";

/** What the signature does not cover: types, codings, methods, lengths. */
export const transport: readonly Row[] = [
  typed("type-text", "text/plain"),
  typed("type-form", FORM),
  typed("type-multipart", "multipart/form-data; boundary=x"),
  typed("type-no-boundary", "multipart/form-data"),
  typed("type-octets", "application/octet-stream"),
  typed("type-charset", "application/json; charset=utf-16"),
  typed("type-absent", null),
  [
    "type-invalid",
    "a content type that is none",
    TAKEN_OR_UNSUPPORTED,
    () => ({ contentType: ';;="' }),
  ],
  [
    "type-text-unsigned",
    "text is verified like everything else",
    REFUSED,
    () => ({ contentType: "text/plain", signatures: WRONG }),
  ],
  [
    "type-form-unsigned",
    "a form is verified like everything else",
    REFUSED,
    () => ({ contentType: FORM, signatures: WRONG, body: utf8("task_id=x&status=completed") }),
  ],
  [
    "type-multipart-unsigned",
    "garbage that parsers of forms choke on",
    REFUSED,
    () => ({
      contentType: "multipart/form-data; boundary=x",
      signatures: WRONG,
      body: utf8("--x\r\n\0"),
    }),
  ],
  ["coding-gzip", "it says gzip and is none", TAKEN_OR_UNSUPPORTED, () => coded("gzip")],
  ["coding-unknown", "a coding that nobody knows", TAKEN_OR_UNSUPPORTED, () => coded("nonsense")],
  [
    "coding-gzip-unsigned",
    "a body is verified before it is unpacked",
    REFUSED_OR_UNSUPPORTED,
    () => ({ ...coded("gzip"), signatures: WRONG }),
  ],
  ["get", "events are posted", OTHER_METHOD, () => ({ method: "GET", body: utf8("") })],
  ["put", "events are posted", OTHER_METHOD, () => ({ method: "PUT" })],
  ["delete", "events are posted", OTHER_METHOD, () => ({ method: "DELETE" })],
  ["chunked", "a length need not be declared", TAKEN, () => ({ framing: "chunked" })],
  [
    "chunked-unsigned",
    "nor does that change anything",
    REFUSED,
    () => ({ framing: "chunked", signatures: WRONG }),
  ],
  [
    "cut-off",
    "the connection ends before what was declared",
    CUT_OFF,
    () => ({ framing: "longer" }),
  ],
  [
    "declared-short",
    "what is declared is less than what was signed",
    REFUSED,
    () => ({ framing: "shorter" }),
  ],
  long("long-body", "over 256 KiB, declared", TAKEN_OR_TOO_LONG, DEFAULT_LIMIT, {
    framing: "length",
  }),
  long("long-body-chunked", "over 256 KiB, counted", TAKEN_OR_TOO_LONG, DEFAULT_LIMIT, {
    framing: "chunked",
  }),
  long("long-body-unsigned", "over 256 KiB, declared, forged", REFUSED_OR_TOO_LONG, DEFAULT_LIMIT, {
    signatures: WRONG,
  }),
  long(
    "long-body-chunked-unsigned",
    "over 256 KiB, counted, forged",
    REFUSED_OR_TOO_LONG,
    DEFAULT_LIMIT,
    {
      framing: "chunked",
      signatures: WRONG,
    },
  ),
  long("too-long", "over 1 MiB, declared", TOO_LONG, MAX_LIMIT, { framing: "length" }),
  long("too-long-chunked", "over 1 MiB, counted", TOO_LONG, MAX_LIMIT, { framing: "chunked" }),
];

/** The same event more than once: Vtryon promises no less. */
export const repeats: readonly Row[] = [
  ["duplicate", "networks repeat events", TAKEN, () => ({ copies: 2 })],
  [
    "parallel",
    "eight at once: each is taken, or told to come again",
    TAKEN_OR_LATER,
    () => ({ copies: 8, together: true }),
  ],
  [
    "repeat-forged",
    "a repeat is verified before it is known",
    REFUSED,
    () => ({ afterGood: true, signatures: WRONG }),
  ],
  [
    "signature-reused",
    "a good signature is good for one body",
    REFUSED,
    ({ text, signature }) => ({
      afterGood: true,
      body: utf8(text.replace("queued", "completed")),
      signatures: [signature],
    }),
  ],
];

function typed(name: string, contentType: string | null): Row {
  return [name, "the signature covers the body, whatever its type", TAKEN, () => ({ contentType })];
}

function coded(coding: string): { headers: [string, string][] } {
  return { headers: [["content-encoding", coding]] };
}

function long(
  name: string,
  what: string,
  expect: Row[2],
  limit: number,
  change: ReturnType<Row[3]>,
): Row {
  return [
    name,
    `memory is finite: ${what}`,
    expect,
    (good) => ({ body: padded(good, limit), ...change }),
  ];
}

/** A good event that is just longer than the limit. */
function padded({ text }: Good, limit: number): Uint8Array {
  return utf8(text.replace(/\}$/, `,"padding":"${"x".repeat(limit)}"}`));
}
