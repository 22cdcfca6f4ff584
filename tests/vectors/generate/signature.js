// Verification: secrets, a body, the values of the header, and the verdict.

import { createHash, createHmac } from "node:crypto";
import { bytes, hex, parts, sign, text } from "./bytes.js";
import { rfc4231 } from "./rfc4231.js";
import { wycheproof } from "./wycheproof.js";

const SECRET = text("whsec_0123456789abcdef");
const PREVIOUS = text("whsec_the_one_before");
const BODY = text('{"event":"generation.status_changed","task_id":"task_123","status":"queued"}');
const GOOD = sign(SECRET, BODY);

const vector = (
  expect,
  name,
  why,
  { secrets = [SECRET], body = BODY, signatures = [GOOD], limit } = {},
) => ({
  name,
  why,
  secrets,
  body,
  signatures,
  ...(limit && { limit }),
  expect,
});
const good = (name, why, input, secret_index = 0) => vector({ secret_index }, name, why, input);
const bad = (code, name, why, input) => vector({ code }, name, why, input);
/** What is said of a body that is empty and was not signed so. */
const EMPTY_BODY = {
  code: "signature_mismatch",
  message: "the body is empty, and it was not signed empty",
  hint: "the body never arrived: something read it before it was verified, or a proxy dropped it; pass the raw body, before any parser",
};
const header = (code, name, why, ...signatures) => bad(code, name, why, { signatures });

const signedBy = (secret, body = BODY) => ({
  secrets: [secret],
  body,
  signatures: [sign(secret, body)],
});
const spaced = text(
  '{ "event": "generation.status_changed", "task_id": "task_123", "status": "queued" }',
);
const lossy = (byte) =>
  hex(
    Buffer.concat([Buffer.from('{"name":"'), Buffer.from([byte]), Buffer.from('"}')]).toString(
      "hex",
    ),
  );
const replaced = text('{"name":"\ufffd"}');

export const signature = [
  good("plain", "the usual case"),
  good("upper case", "hex digits have no case (RFC 4648, 8)", { signatures: [GOOD.toUpperCase()] }),
  good("mixed case", "hex digits have no case", {
    signatures: [
      [...GOOD].map((digit, place) => (place % 2 ? digit.toUpperCase() : digit)).join(""),
    ],
  }),
  good("empty body", "nothing is signed too", signedBy(SECRET, text(""))),
  good("not UTF-8", "the bytes are signed, not a text", signedBy(SECRET, hex("ff00fe80"))),
  good("NUL in the body", "the bytes are signed, not a C string", signedBy(SECRET, text("a\0b"))),
  good("byte order mark", "the bytes are signed as they are", signedBy(SECRET, text("\ufeff{}"))),
  good("secret of a block", "64 bytes are the key as they are", signedBy(parts(["k", 64]))),
  good("secret of a block and a byte", "RFC 2104: hashed first", signedBy(parts(["k", 65]))),
  good("secret not UTF-8", "a key is bytes", signedBy(hex("80ff00fe80"))),
  good(
    "body at the limit",
    "262144 bytes are not too many",
    signedBy(SECRET, parts(["x", 262144])),
  ),
  good("body at the highest limit", "1048576 bytes can be allowed", {
    ...signedBy(SECRET, parts(["x", 1048576])),
    limit: 1048576,
  }),
  good("body at a limit of one", "the least limit", { ...signedBy(SECRET, text("x")), limit: 1 }),

  good("rotation, current", "both are configured, the first signed", {
    secrets: [SECRET, PREVIOUS],
  }),
  good(
    "rotation, previous",
    "both are configured, the second signed",
    { secrets: [PREVIOUS, SECRET] },
    1,
  ),
  good(
    "rotation, last of three",
    "all are tried",
    { secrets: [PREVIOUS, text("other"), SECRET] },
    2,
  ),
  good("rotation, the same twice", "the first that matches is reported", {
    secrets: [SECRET, SECRET],
  }),
  bad("signature_mismatch", "rotation, neither", "all are tried, none signed", {
    secrets: [PREVIOUS, text("other")],
  }),

  header("missing_signature", "no header", "an unsigned request"),
  header("missing_signature", "empty header", "as good as none", ""),
  header(
    "multiple_signatures",
    "twice the same",
    "the first of two must not be taken silently",
    GOOD,
    GOOD,
  ),
  header("multiple_signatures", "good and bad", "nor the good of two", GOOD, "0".repeat(64)),
  header(
    "multiple_signatures",
    "joined by a comma",
    "HTTP joins repeated headers so",
    `${GOOD}, ${GOOD}`,
  ),
  header("multiple_signatures", "one and a comma", "a list of one and nothing", `${GOOD},`),
  header(
    "malformed_signature",
    "a digit short",
    "a comparison that throws on lengths answers 500",
    GOOD.slice(1),
  ),
  header(
    "malformed_signature",
    "a byte short",
    "a comparison that throws on lengths answers 500",
    GOOD.slice(2),
  ),
  header("malformed_signature", "a digit long", "a comparison of prefixes takes it", `${GOOD}0`),
  header("malformed_signature", "a byte long", "a comparison of prefixes takes it", `${GOOD}00`),
  header("malformed_signature", "twice as long", "the length of SHA-512", GOOD + GOOD),
  header("malformed_signature", "SHA-1", "the length of another hash", sign(SECRET, BODY, "sha1")),
  header(
    "malformed_signature",
    "prefix sha256=",
    "GitHub's form is not Vtryon's",
    `sha256=${GOOD}`,
  ),
  header("malformed_signature", "prefix 0x", "a number's form", `0x${GOOD.slice(2)}`),
  header(
    "malformed_signature",
    "Stripe's form",
    "no version, no time",
    `t=1,v1=${GOOD}`.replace(",", ";"),
  ),
  header(
    "malformed_signature",
    "base64",
    "the right bytes in the wrong form",
    Buffer.from(GOOD, "hex").toString("base64"),
  ),
  header(
    "malformed_signature",
    "junk between pairs",
    "a lax decoder skips it",
    GOOD.replace(/(..)/g, "$1:").slice(0, -1),
  ),
  header(
    "malformed_signature",
    "junk for a pair",
    "a lax decoder reads it as 0",
    `zz${GOOD.slice(2)}`,
  ),
  header("malformed_signature", "leading blank", "edges are not trimmed here", ` ${GOOD}`),
  header("malformed_signature", "trailing blank", "edges are not trimmed here", `${GOOD} `),
  header(
    "malformed_signature",
    "trailing line feed",
    "$ of a regular expression allows one",
    `${GOOD}\n`,
  ),
  header("malformed_signature", "blank only", "not empty, and no signature", " "),
  header("malformed_signature", "NUL at the end", "a C string ends before it", `${GOOD}\0`),
  header(
    "malformed_signature",
    "not ASCII",
    "a comparison that raises on it answers 500",
    "é".repeat(64),
  ),
  header("malformed_signature", "not ASCII, 64 bytes", "the right length in UTF-8", "é".repeat(32)),
  header(
    "malformed_signature",
    "full-width digits",
    "digits to Unicode, not to hex",
    "０".repeat(64),
  ),
  header("malformed_signature", "a word", "no signature at all", "undefined"),
  header(
    "malformed_signature",
    "very long",
    "nothing is decoded that is not 64 digits",
    GOOD.repeat(100),
  ),

  header("signature_mismatch", "another signature", "64 digits, but not these", "0".repeat(64)),
  header("signature_mismatch", "first bit flipped", "every bit counts", flip(GOOD, 0)),
  header("signature_mismatch", "last bit flipped", "every bit counts", flip(GOOD, 255)),
  header(
    "signature_mismatch",
    "hash without a key",
    "anyone can compute it",
    createHash("sha256").update(bytes(BODY)).digest("hex"),
  ),
  header("signature_mismatch", "empty key", "anyone can compute it", sign(text(""), BODY)),
  header(
    "signature_mismatch",
    "key after whsec_",
    "the whole text is the key",
    sign(text("0123456789abcdef"), BODY),
  ),
  header(
    "signature_mismatch",
    "key decoded from hex",
    "the text is the key",
    sign(hex("0123456789abcdef"), BODY),
  ),
  header(
    "signature_mismatch",
    "other secret",
    "the secret of another endpoint",
    sign(PREVIOUS, BODY),
  ),
  header(
    "signature_mismatch",
    "body as key",
    "arguments swapped",
    createHmac("sha256", bytes(BODY)).update(bytes(SECRET)).digest("hex"),
  ),
  vector(EMPTY_BODY, "the body never arrived", "no wrong secret", { body: text("") }),
  vector(EMPTY_BODY, "the body never arrived, two secrets", "no wrong secret", {
    secrets: [PREVIOUS, SECRET],
    body: text(""),
  }),
  vector(EMPTY_BODY, "an empty body, signed by another", "its length is what is known", {
    ...signedBy(PREVIOUS, text("")),
    secrets: [SECRET],
  }),
  bad("signature_mismatch", "re-serialised body", "signed with blanks, sent without", {
    signatures: [sign(SECRET, spaced)],
  }),
  bad("signature_mismatch", "re-serialised signature", "sent with blanks, signed without", {
    body: spaced,
  }),
  bad("signature_mismatch", "trailing line feed in the body", "an editor added it", {
    body: text(`${BODY.text}\n`),
  }),
  bad("signature_mismatch", "byte order mark added", "a tool added it", {
    body: text(`\ufeff${BODY.text}`),
  }),
  bad(
    "signature_mismatch",
    "lossy UTF-8, one for another",
    "both read as U+FFFD by a lossy decoder",
    {
      body: lossy(0xff),
      signatures: [sign(SECRET, lossy(0xfe))],
    },
  ),
  bad(
    "signature_mismatch",
    "lossy UTF-8, replaced before signing",
    "the text was signed, not the bytes",
    {
      body: lossy(0xff),
      signatures: [sign(SECRET, replaced)],
    },
  ),
  bad(
    "signature_mismatch",
    "lossy UTF-8, replaced before sending",
    "the bytes were signed, not the text",
    {
      body: replaced,
      signatures: [sign(SECRET, lossy(0xff))],
    },
  ),
  bad(
    "payload_too_large",
    "body past the limit",
    "262145 bytes are one too many",
    signedBy(SECRET, parts(["x", 262145])),
  ),
  bad("payload_too_large", "body past the highest limit", "1048577 bytes are never allowed", {
    ...signedBy(SECRET, parts(["x", 1048577])),
    limit: 1048576,
  }),
  bad("payload_too_large", "body past a limit of one", "the least limit", {
    ...signedBy(SECRET, text("xy")),
    limit: 1,
  }),
  bad("payload_too_large", "long and forged", "refused before anything is hashed", {
    body: parts(["x", 262145]),
    signatures: ["0".repeat(64)],
  }),
  bad("malformed_signature", "long and malformed", "the header is read first", {
    body: parts(["x", 262145]),
    signatures: ["no"],
  }),
  bad("secret_empty", "empty secret", "must never verify anything", signedBy(text(""))),
  vector(
    {
      code: "secret_whitespace",
      message: "`secrets[1]`: the secret begins or ends with whitespace",
      hint: "paste the secret anew, without blanks or line breaks around it",
    },
    "the second secret of two",
    "the message names the position",
    { secrets: [SECRET, text("whsec_x\n")] },
  ),
  vector(
    {
      code: "secret_empty",
      message: "`secrets[0]`: the secret is empty",
      hint: "anyone can sign with an empty secret; leave out one that is not set",
    },
    "the first secret of two",
    "the first that is wrong is named",
    { secrets: [text(""), text(" ")] },
  ),
  bad("secret_missing", "no secret", "must never verify anything", { secrets: [] }),
  ...rfc4231,
  ...wycheproof,
];

function flip(digits, bit) {
  const flipped = Buffer.from(digits, "hex");
  flipped[bit >> 3] ^= 0x80 >> (bit & 7);
  return flipped.toString("hex");
}
