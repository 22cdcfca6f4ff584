import type { Row, ValidRequest } from "./case.js";
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

/** What the signature does not cover: content types, codings, methods, lengths. */
export const transport: readonly Row[] = [
  withType("type-text", "text/plain"),
  withType("type-form", FORM),
  withType("type-multipart", "multipart/form-data; boundary=x"),
  withType("type-no-boundary", "multipart/form-data"),
  withType("type-octets", "application/octet-stream"),
  withType("type-charset", "application/json; charset=utf-16"),
  withType("type-absent", null),
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
  ["coding-gzip", "it says gzip and is none", TAKEN_OR_UNSUPPORTED, () => withCoding("gzip")],
  [
    "coding-unknown",
    "a coding that nobody knows",
    TAKEN_OR_UNSUPPORTED,
    () => withCoding("nonsense"),
  ],
  [
    "coding-gzip-unsigned",
    "a body is verified before it is unpacked",
    REFUSED_OR_UNSUPPORTED,
    () => ({ ...withCoding("gzip"), signatures: WRONG }),
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
  longBody("long-body", "over 256 KiB, declared", TAKEN_OR_TOO_LONG, DEFAULT_LIMIT, {
    framing: "length",
  }),
  longBody("long-body-chunked", "over 256 KiB, counted", TAKEN_OR_TOO_LONG, DEFAULT_LIMIT, {
    framing: "chunked",
  }),
  longBody(
    "long-body-unsigned",
    "over 256 KiB, declared, forged",
    REFUSED_OR_TOO_LONG,
    DEFAULT_LIMIT,
    {
      signatures: WRONG,
    },
  ),
  longBody(
    "long-body-chunked-unsigned",
    "over 256 KiB, counted, forged",
    REFUSED_OR_TOO_LONG,
    DEFAULT_LIMIT,
    {
      framing: "chunked",
      signatures: WRONG,
    },
  ),
  longBody("too-long", "over 1 MiB, declared", TOO_LONG, MAX_LIMIT, { framing: "length" }),
  longBody("too-long-chunked", "over 1 MiB, counted", TOO_LONG, MAX_LIMIT, { framing: "chunked" }),
];

/** The same event more than once. Vtryon delivers at least once. */
export const repeats: readonly Row[] = [
  ["duplicate", "networks repeat events", TAKEN, () => ({ copies: 2 })],
  [
    "parallel",
    "eight at once: each is accepted, or answered 503 so that Vtryon retries",
    TAKEN_OR_LATER,
    () => ({ copies: 8, together: true }),
  ],
  [
    "repeat-forged",
    "a repeat is verified before it is known",
    REFUSED,
    () => ({ afterValid: true, signatures: WRONG }),
  ],
  [
    "signature-reused",
    "a good signature is good for one body",
    REFUSED,
    ({ text, signature }) => ({
      afterValid: true,
      body: utf8(text.replace("queued", "completed")),
      signatures: [signature],
    }),
  ],
];

function withType(name: string, contentType: string | null): Row {
  return [name, "the signature covers the body, whatever its type", TAKEN, () => ({ contentType })];
}

function withCoding(coding: string): { headers: [string, string][] } {
  return { headers: [["content-encoding", coding]] };
}

function longBody(
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

/** Returns a valid event that is just longer than the limit. */
function padded({ text }: ValidRequest, limit: number): Uint8Array {
  return utf8(text.replace(/\}$/, `,"padding":"${"x".repeat(limit)}"}`));
}
