// Messages of Standard Webhooks: secrets, the values of the three headers, a body, the receiver's clock, the verdict.
// `now` is in milliseconds since 1970, `tolerance` in seconds.

import { createHmac } from "node:crypto";
import { bytes, hex, parts, text } from "./bytes.js";
import { headers } from "./standard-webhooks/headers.js";
import {
  BODY,
  bad,
  GARBAGE,
  GOOD,
  good,
  KEY,
  keyOf,
  list,
  NOW,
  OTHER,
  OTHER_GOOD,
  SECRET,
  shown,
  sign,
  signed,
  TIME,
} from "./standard-webhooks/message.js";

const EMPTY_BODY = {
  message: "the body is empty, and it was not signed empty",
  hint: "the body never arrived: something read it before it was verified, or a proxy dropped it; pass the raw body, before any parser",
};
const ALL_SIXTEEN = [...Array(15).fill(GARBAGE), GOOD].join(" ");

const valid = [
  good("plain", "what the gateway sends"),
  good("any JSON", "the body is any text", signed({ body: text('{"a":[1,2]}') })),
  good("empty body", "signed empty, it verifies", signed({ body: text("") })),
  good("not UTF-8", "the bytes are signed, not a text", signed({ body: hex("ff00fe80") })),
  good("NUL in the body", "the bytes are signed, not a C string", signed({ body: text("a\0b") })),
  good("body with dots", "dots of the body are the body's", signed({ body: text("1.2.3") })),
  good(
    "body at the limit",
    "262144 bytes are not too many",
    signed({ body: parts(["x", 262144]) }),
  ),
  good("id of one character", "no id is too short", signed({ id: "1" })),
  good("id of 256 characters", "the longest", signed({ id: "x".repeat(256) })),
  good(
    "id of odd characters",
    "all visible ASCII but the dot",
    signed({ id: "!\"#$%&'()*+,-/:;<=>?@[\\]^_`{|}~" }),
  ),
  good("secret of 24 bytes", "the shortest of the specification", {
    secrets: [shown(keyOf(24))],
    signature: sign(keyOf(24)),
  }),
  good("secret of 64 bytes", "the longest of the specification", {
    secrets: [shown(keyOf(64))],
    signature: sign(keyOf(64)),
  }),
  good("secret of 65 bytes", "RFC 2104: hashed first", {
    secrets: [shown(keyOf(65))],
    signature: sign(keyOf(65)),
  }),
  good("the example of the specification's libraries", "published", {
    secrets: [text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestamp: "1614265330",
    body: text('{"test": 2432232314}'),
    signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    now: 1614265330000,
  }),
];

const rotation = [
  good("two signatures, the first", "while the sender rotates", {
    signature: `${GOOD} ${OTHER_GOOD}`,
  }),
  good("two signatures, the second", "while the sender rotates", {
    signature: `${OTHER_GOOD} ${GOOD}`,
  }),
  good("two secrets, the second", "while the receiver rotates", { secrets: [OTHER, SECRET] }, 1),
  good("two secrets, two signatures", "the first secret that matches is reported", {
    secrets: [OTHER, SECRET],
    signature: `${GOOD} ${OTHER_GOOD}`,
  }),
  good("the same secret twice", "the first that matches is reported", {
    secrets: [SECRET, SECRET],
  }),
  good("16 signatures, the last", "all are tried", { signature: ALL_SIXTEEN }),
  good("blanks around and between", "blanks separate signatures", {
    signature: `  ${OTHER_GOOD}  ${GOOD} `,
  }),
  bad("signature_mismatch", "two signatures, neither", "all are tried, none is good", {
    signature: `${OTHER_GOOD} ${GARBAGE}`,
  }),
  bad("signature_mismatch", "two secrets, neither", "all are tried, none signed", {
    secrets: [OTHER, shown(keyOf(24))],
  }),
  bad("malformed_signature", "17 signatures", "a bounded number is tried", {
    signature: `${GARBAGE} ${ALL_SIXTEEN}`,
  }),
  bad("malformed_signature", "a very long header", "nothing of it is decoded", {
    signature: `${GOOD} ${"x".repeat(4096)}`,
  }),
];

const time = [
  good("300 s old", "the tolerance", { now: NOW + 300_000 }),
  bad("timestamp_too_old", "300 s and 1 ms old", "past the tolerance", { now: NOW + 300_001 }),
  bad("timestamp_too_old", "a day old", "a replay", { now: NOW + 86_400_000 }),
  good("300 s ahead", "the tolerance", { now: NOW - 300_000 }),
  bad("timestamp_too_new", "300 s and 1 ms ahead", "past the tolerance", { now: NOW - 300_001 }),
  good("60 s old, tolerance 60", "as configured", { now: NOW + 60_000, tolerance: 60 }),
  bad("timestamp_too_old", "61 s old, tolerance 60", "as configured", {
    now: NOW + 61_000,
    tolerance: 60,
  }),
  bad("timestamp_too_new", "61 s ahead, tolerance 60", "as configured", {
    now: NOW - 61_000,
    tolerance: 60,
  }),
  good("a day old, tolerance a day", "the highest", { now: NOW + 86_400_000, tolerance: 86_400 }),
  bad("timestamp_too_old", "a second and 1 ms old, tolerance 1", "the lowest", {
    now: NOW + 1001,
    tolerance: 1,
  }),
  good("1970", "a zero alone", { ...signed({ timestamp: "0" }), now: 0 }),
  bad("timestamp_too_old", "zero", "1970 is long ago", signed({ timestamp: "0" })),
  bad(
    "timestamp_too_new",
    "milliseconds",
    "a common mistake",
    signed({ timestamp: "1780000000000" }),
  ),
  bad(
    "timestamp_too_new",
    "15 digits",
    "the most that are read",
    signed({ timestamp: "999999999999999" }),
  ),
  bad("timestamp_too_new", "a clock at 1970", "the receiver's clock is not set", { now: 0 }),
  bad("timestamp_too_old", "old and forged", "the time is checked before anything is hashed", {
    now: NOW + 400_000,
    signature: GARBAGE,
  }),
  bad("timestamp_too_old", "old and long", "the time is checked before the length", {
    now: NOW + 400_000,
    body: parts(["x", 262145]),
  }),
  bad("malformed_signature", "old and malformed", "the headers are read first", {
    now: NOW + 400_000,
    signature: "no",
  }),
];

const forged = [
  bad("signature_mismatch", "replay with another id", "the id is signed", { id: "evt_another" }),
  bad("signature_mismatch", "replay with a fresh timestamp", "the timestamp is signed", {
    timestamp: String(TIME + 3600),
    now: NOW + 3_600_000,
  }),
  bad("signature_mismatch", "replay with another body", "the body is signed", { body: text("{}") }),
  bad("signature_mismatch", "trailing line feed in the body", "an editor added it", {
    body: text(`${BODY.text}\n`),
  }),
  bad("signature_mismatch", "another signature", "32 bytes, but not these", { signature: GARBAGE }),
  bad("signature_mismatch", "body alone is signed", "as Vtryon signs", {
    signature: `v1,${createHmac("sha256", KEY).update(bytes(BODY)).digest("base64")}`,
  }),
  bad("signature_mismatch", "text of the secret as key", "its bytes are the key", {
    signature: sign(SECRET.text),
  }),
  bad("signature_mismatch", "base64 of the secret as key", "its bytes are the key", {
    signature: sign(SECRET.text.slice(6)),
  }),
  bad("signature_mismatch", "empty key", "anyone can compute it", { signature: sign("") }),
  bad("signature_mismatch", "timestamp in milliseconds signed", "seconds are signed", {
    signature: sign(KEY, { timestamp: NOW }),
  }),
  bad(
    "signature_mismatch",
    "the body never arrived",
    "another hint",
    { body: text("") },
    EMPTY_BODY,
  ),
  bad(
    "payload_too_large",
    "body past the limit",
    "262145 bytes are one too many",
    signed({ body: parts(["x", 262145]) }),
  ),
  bad("payload_too_large", "body past a limit of one", "the least limit", {
    ...signed({ body: text("xy") }),
    limit: 1,
  }),
];

const WRONG = "the secret is not whsec_ and base64";
const secret = (code, name, why, secrets, message) =>
  bad(code, `secret: ${name}`, why, { secrets: list(secrets) }, message && { message });
const secrets = [
  secret("secret_missing", "none", "must never verify anything", []),
  secret("secret_empty", "empty", "must never verify anything", text("")),
  secret(
    "secret_empty",
    "the prefix alone",
    "an empty key",
    text("whsec_"),
    "the secret is empty after whsec_",
  ),
  secret(
    "secret_empty",
    "zero bytes alone",
    "HMAC pads a key with zeros: it is the empty one",
    text(`whsec_${Buffer.alloc(32).toString("base64")}`),
    "the secret holds only zero bytes, which are as good as none",
  ),
  secret(
    "invalid_option",
    "no prefix",
    "the text that the gateway shows",
    text(SECRET.text.slice(6)),
    WRONG,
  ),
  secret(
    "invalid_option",
    "another prefix",
    "names are exact",
    text(SECRET.text.replace("whsec_", "whsk_")),
    WRONG,
  ),
  secret(
    "invalid_option",
    "no base64",
    "Vtryon's secret and not the gateway's",
    text("whsec_no-base64!"),
    WRONG,
  ),
  secret("invalid_option", "no padding", "one spelling", text(SECRET.text.replace("=", "")), WRONG),
  secret("invalid_option", "not UTF-8", "no text", hex("80ff00fe80"), WRONG),
  secret("secret_whitespace", "a line feed after it", "a careless paste", text(`${SECRET.text}\n`)),
  secret(
    "invalid_option",
    "the second of two",
    "the message names the position",
    [SECRET, text("whsec_no-base64!")],
    `\`secrets[1]\`: ${WRONG}`,
  ),
];

export const standardWebhooks = [...valid, ...rotation, ...headers, ...time, ...forged, ...secrets];
