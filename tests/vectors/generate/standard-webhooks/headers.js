// The forms of the three headers.

import { createHmac } from "node:crypto";
import { bytes, text } from "../bytes.js";
import { BODY, bad, GOOD, good, ID, KEY, SECRET, sign, signed, TIME } from "./message.js";

const absent = (header) => ({ [header]: [] });

const versions = [
  good("an unknown version before it", "skipped", { signature: `v2,AAAA ${GOOD}` }),
  good("the asymmetric version after it", "skipped", {
    signature: `${GOOD} v1a,${"A".repeat(86)}==`,
  }),
  good("a word before it", "skipped", { signature: `hello ${GOOD}` }),
  good("a broken signature before it", "skipped", { signature: `v1,%%%% ${GOOD}` }),
  bad("malformed_signature", "an unknown version alone", "nothing that can be verified", {
    signature: GOOD.replace("v1", "v2"),
  }),
  bad("malformed_signature", "version in upper case", "names are exact", {
    signature: GOOD.replace("v1", "V1"),
  }),
  bad("malformed_signature", "no version", "base64 alone", { signature: GOOD.slice(3) }),
  bad("malformed_signature", "an equals sign", "v1= is no version", {
    signature: GOOD.replace(",", "="),
  }),
  bad("malformed_signature", "the version alone", "no signature", { signature: "v1," }),
];

const base64 = [
  ["no padding", "one spelling", GOOD.replace("=", "")],
  ["more padding", "one spelling", `${GOOD}=`],
  ["a character short", "31 bytes and a half", GOOD.slice(0, -2)],
  ["31 bytes", "not SHA-256", `v1,${Buffer.alloc(31).toString("base64")}`],
  ["33 bytes", "not SHA-256", `v1,${Buffer.alloc(33).toString("base64")}`],
  ["SHA-512", "another hash", sign(KEY, {}, "sha512")],
  ["the alphabet of URLs", "one spelling", `v1,${"_".repeat(42)}8=`],
  ["bits that count for nothing", "one spelling", `v1,${"A".repeat(42)}B=`],
  [
    "hex",
    "the right bytes in the wrong form",
    `v1,${Buffer.from(GOOD.slice(3), "base64").toString("hex")}`,
  ],
  [
    "Vtryon's own signature",
    "hex of the body's MAC, no version",
    createHmac("sha256", SECRET.text).update(bytes(BODY)).digest("hex"),
  ],
  ["a blank inside", "two parts, neither of them a signature", GOOD.replace("v1,", "v1, ")],
  ["a line feed after it", "edges are not trimmed", `${GOOD}\n`],
  ["a tab after it", "only blanks separate", `${GOOD}\t`],
  ["not ASCII", "no base64", `v1,${"é".repeat(22)}`],
  ["full-width letters", "letters to Unicode, not to base64", `v1,${"Ａ".repeat(44)}`],
  ["NUL at the end", "a C string ends before it", `${GOOD}\0`],
  ["blank only", "not empty, and no signature", " "],
].map(([name, why, signature]) =>
  bad("malformed_signature", `signature: ${name}`, why, { signature }),
);

const missing = [
  bad("missing_message_id", "no id", "an unsigned request", absent("id")),
  bad("missing_message_id", "an empty id", "as good as none", { id: "" }),
  bad("missing_timestamp", "no timestamp", "an unsigned request", absent("timestamp")),
  bad("missing_timestamp", "an empty timestamp", "as good as none", { timestamp: "" }),
  bad("missing_signature", "no signature", "an unsigned request", absent("signature")),
  bad("missing_signature", "an empty signature", "as good as none", { signature: "" }),
  bad("missing_message_id", "none of the three", "the id is read first", {
    id: [],
    timestamp: [],
    signature: [],
  }),
  bad("missing_timestamp", "an id alone", "then the timestamp", { timestamp: [], signature: [] }),
];

const repeated = [
  bad("malformed_message_id", "id twice", "the first of two must not be taken silently", {
    id: [ID, ID],
  }),
  bad("malformed_timestamp", "timestamp twice", "nor here", {
    timestamp: [String(TIME), String(TIME)],
  }),
  bad("multiple_signatures", "signature twice", "nor here", { signature: [GOOD, GOOD] }),
  bad("malformed_message_id", "id joined by a comma", "HTTP joins repeated headers so", {
    id: `${ID}, ${ID}`,
  }),
  bad("malformed_timestamp", "timestamp joined by a comma", "HTTP joins repeated headers so", {
    timestamp: `${TIME}, ${TIME}`,
  }),
  bad("multiple_signatures", "signature joined by a comma", "HTTP joins repeated headers so", {
    signature: `${GOOD}, ${GOOD}`,
  }),
  bad(
    "multiple_signatures",
    "signature joined by a comma alone",
    "a proxy may leave out the blank",
    {
      signature: `${GOOD},${GOOD}`,
    },
  ),
];

const ids = [
  ["a dot", "the signature would be good for another id too", signed({ id: "evt.1" })],
  [
    "a dot and digits",
    "the same bytes are signed as for the id before the dot",
    { ...signed({ id: "a.1780000001", body: text("{}") }) },
  ],
  ["a blank", "visible ASCII alone", signed({ id: "evt 1" })],
  ["a blank before it", "edges are not trimmed here", { id: ` ${ID}` }],
  ["a line feed", "visible ASCII alone", signed({ id: "evt_1\n" })],
  ["NUL", "visible ASCII alone", signed({ id: "evt_1\0" })],
  ["not ASCII", "visible ASCII alone", signed({ id: "évt" })],
  ["DEL", "visible ASCII alone", signed({ id: "evt\x7f" })],
  ["257 characters", "one too many", signed({ id: "x".repeat(257) })],
].map(([name, why, input]) => bad("malformed_message_id", `id: ${name}`, why, input));

const timestamps = [
  ["negative", "no sign", "-1780000000"],
  ["a plus sign", "no sign", "+1780000000"],
  ["leading zeros", "one spelling", "01780000000"],
  ["two zeros", "one spelling", "00"],
  ["a fraction", "whole seconds", "1780000000.0"],
  ["an exponent", "digits alone", "178e7"],
  ["hex", "decimal digits", "0x6a18a280"],
  ["a blank before it", "edges are not trimmed here", " 1780000000"],
  ["a blank after it", "edges are not trimmed here", "1780000000 "],
  ["a line feed after it", "$ of a regular expression allows one", "1780000000\n"],
  ["an underscore", "digits alone", "1_780_000_000"],
  ["a date", "seconds since 1970", "2026-05-28T20:26:40Z"],
  ["full-width digits", "digits to Unicode, not to a number", "１７８００００００００"],
  ["Arabic digits", "digits to Unicode, not to a number", "١٧٨٠٠٠٠٠٠٠"],
  ["not ASCII", "digits alone", "é"],
  ["a word", "digits alone", "NaN"],
  ["infinite", "digits alone", "Infinity"],
  ["16 digits", "more than any time that is meant", "1780000000000000"],
  ["past 64 bits", "no overflow", "18446744073709551617"],
  ["very long", "no overflow", "9".repeat(400)],
].map(([name, why, timestamp]) =>
  bad("malformed_timestamp", `timestamp: ${name}`, why, signed({ timestamp })),
);

export const headers = [...versions, ...base64, ...missing, ...repeated, ...ids, ...timestamps];
