import { SIGNATURE_HEADER } from "../../core/payload.js";
import { sign } from "../../verifier/sign.js";
import { type Row, utf8 } from "./case.js";
import { REFUSED, TAKEN } from "./expectation.js";
import { otherHmac } from "./other-hmac.js";

/** 64 hex digits that sign nothing. */
const WRONG = "0".repeat(64);

/** The right signature in every form that is none: nothing but 64 hex digits in one line is accepted. */
export const signatureForms: readonly Row[] = [
  ["no-signature", "anyone could post", REFUSED, () => ({ signatures: [] })],
  ["empty-signature", "an empty header is none", REFUSED, () => ({ signatures: [""] })],
  ["zeros", "64 hex digits that sign nothing", REFUSED, () => ({ signatures: [WRONG] })],
  [
    "not-hex",
    "64 characters that are no digits",
    REFUSED,
    () => ({ signatures: ["g".repeat(64)] }),
  ],
  only("one-digit", "a comparison that stops at the shorter one", (right) => right.slice(0, 1)),
  only("half", "comparing the first digits is not comparing", (right) => right.slice(0, 32)),
  only("short", "constant-time comparisons throw when lengths differ", (right) => right.slice(2)),
  only("odd", "half a byte is no byte", (right) => right.slice(1)),
  only("long", "what follows the right digits is not to be dropped", (right) => `${right}00`),
  only("digit-added", "decoders that drop half a byte", (right) => `${right}0`),
  only("junk-added", "decoders that stop at what they do not know", (right) => `${right}zz`),
  only("twice-as-long", "the right digits twice are too long", (right) => right + right),
  only("last-digit", "the last digit counts", (right) => right.slice(0, 63) + other(right.at(63))),
  only("first-digit", "the first digit counts", (right) => other(right.at(0)) + right.slice(1)),
  only("sha256-prefix", "the form of another service", (right) => `sha256=${right}`),
  only("version-prefix", "the form of another service", (right) => `v1=${right}`),
  only("0x-prefix", "a prefix of numbers", (right) => `0x${right}`),
  only("quoted", "quotes are no digits", (right) => `"${right}"`),
  only("base64", "the right bytes in another alphabet", base64),
  only("junk-between", "decoders that skip what they do not know", (right) =>
    (right.match(/../g) ?? []).join(":"),
  ),
  only("blank-between", "the same, with a blank", (right) => right.replace(/^.{32}/, "$& ")),
  only("not-ascii", "comparisons that throw on such text", () => "\u00e9".repeat(64)),
  only("wide-digits", "digits of another alphabet, as UTF-8", (right) => latin1(wide(right))),
  only("list", "proxies join repeated headers with a comma", (right) => `${right}, ${right}`),
  only("bad-list", "only one of them is right", (right) => `${WRONG}, ${right}`),
  ["two-lines", "one of two is silently dropped", REFUSED, two((right) => [right, right])],
  ["bad-then-good", "the last of two is taken", REFUSED, two((right) => [WRONG, right])],
  ["good-then-bad", "the first of two is taken", REFUSED, two((right) => [right, WRONG])],
  [
    "other-header",
    "the right signature under another name",
    REFUSED,
    ({ signature }) => ({
      signatures: [],
      headers: [
        ["x-hub-signature-256", `sha256=${signature}`],
        ["webhook-signature", `v1,${base64(signature)}`],
        ["authorization", `Bearer ${signature}`],
      ],
    }),
  ],
  [
    "upper-case",
    "hex digits have no case",
    TAKEN,
    ({ signature }) => ({ signatures: [signature.toUpperCase()] }),
  ],
  [
    "header-case",
    "names of headers have no case",
    TAKEN,
    ({ signature }) => ({ signatures: [], headers: [[SIGNATURE_HEADER.toUpperCase(), signature]] }),
  ],
];

/** Signatures of the right form that another key or another hash made. */
export const otherKeys: readonly Row[] = [
  ["other-secret", "signed by a stranger", REFUSED, by((secret) => `${secret}x`)],
  ["empty-secret", "a receiver without a secret takes anyone's", REFUSED, byNone("")],
  ...["undefined", "null", "None"].map(
    (text): Row => [
      `secret-${text.toLowerCase()}`,
      "a variable that is not set, as text",
      REFUSED,
      byNone(text),
    ],
  ),
  ["sha1", "another hash, 40 digits", REFUSED, hashed("sha1")],
  ["sha512", "another hash, 128 digits", REFUSED, hashed("sha512")],
  ["sha512-cut", "another hash, cut to the right length", REFUSED, hashed("sha512", 64)],
  [
    "signature-as-body",
    "what is signed is the body, not its signature",
    REFUSED,
    ({ secret, signature }) => ({ signatures: [sign(utf8(signature), secret)] }),
  ],
];

/** A row whose one signature is the right one, changed. */
function only(name: string, why: string, change: (right: string) => string): Row {
  return [name, why, REFUSED, ({ signature }) => ({ signatures: [change(signature)] })];
}

function two(lines: (right: string) => [string, string]): Row[3] {
  return ({ signature }) => ({ signatures: lines(signature) });
}

function by(key: (secret: string) => string): Row[3] {
  return ({ body, secret }) => ({ signatures: [sign(body, key(secret))] });
}

/** By a key that `sign` refuses, as no secret is one. */
function byNone(key: string): Row[3] {
  return ({ body }) => ({ signatures: [otherHmac("sha256", body, key)] });
}

function hashed(hash: "sha1" | "sha512", digits?: number): Row[3] {
  return ({ body, secret }) => ({ signatures: [otherHmac(hash, body, secret).slice(0, digits)] });
}

const other = (digit = ""): string => (digit === "0" ? "1" : "0");

function base64(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  return btoa(String.fromCharCode(...pairs.map((pair) => Number.parseInt(pair, 16))));
}

/** The fullwidth forms of Unicode. */
const wide = (ascii: string): string =>
  ascii.replace(/./g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));

/** The bytes of UTF-8 as a header can carry them: a character each. */
const latin1 = (text: string): string => String.fromCharCode(...utf8(text));
