import { SIGNATURE_HEADER } from "../../core/payload.js";
import { sign } from "../../verifier/sign.js";
import { type Row, utf8 } from "./case.js";
import { REFUSED, TAKEN } from "./expectation.js";
import { otherHmac } from "./other-hmac.js";

/** 64 hex digits that sign nothing. */
const WRONG = "0".repeat(64);

/** The right signature in wrong forms: only 64 hex digits in one line are accepted. */
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
  modified("one-digit", "a comparison that stops at the shorter one", (right) => right.slice(0, 1)),
  modified("half", "comparing the first digits is not comparing", (right) => right.slice(0, 32)),
  modified("short", "constant-time comparisons throw when lengths differ", (right) =>
    right.slice(2),
  ),
  modified("odd", "half a byte is no byte", (right) => right.slice(1)),
  modified("long", "what follows the right digits is not to be dropped", (right) => `${right}00`),
  modified("digit-added", "decoders that drop half a byte", (right) => `${right}0`),
  modified("junk-added", "decoders that stop at what they do not know", (right) => `${right}zz`),
  modified("twice-as-long", "the right digits twice are too long", (right) => right + right),
  modified(
    "last-digit",
    "the last digit counts",
    (right) => right.slice(0, 63) + other(right.at(63)),
  ),
  modified("first-digit", "the first digit counts", (right) => other(right.at(0)) + right.slice(1)),
  modified("sha256-prefix", "the form of another service", (right) => `sha256=${right}`),
  modified("version-prefix", "the form of another service", (right) => `v1=${right}`),
  modified("0x-prefix", "a prefix of numbers", (right) => `0x${right}`),
  modified("quoted", "quotes are no digits", (right) => `"${right}"`),
  modified("base64", "the right bytes in another alphabet", base64),
  modified("junk-between", "decoders that skip what they do not know", (right) =>
    (right.match(/../g) ?? []).join(":"),
  ),
  modified("blank-between", "the same, with a blank", (right) => right.replace(/^.{32}/, "$& ")),
  modified("not-ascii", "comparisons that throw on such text", () => "\u00e9".repeat(64)),
  modified("wide-digits", "digits of another alphabet, as UTF-8", (right) => latin1(wide(right))),
  modified("list", "proxies join repeated headers with a comma", (right) => `${right}, ${right}`),
  modified("bad-list", "only one of them is right", (right) => `${WRONG}, ${right}`),
  ["two-lines", "one of two is silently dropped", REFUSED, twoLines((right) => [right, right])],
  ["bad-then-good", "the last of two is taken", REFUSED, twoLines((right) => [WRONG, right])],
  ["good-then-bad", "the first of two is taken", REFUSED, twoLines((right) => [right, WRONG])],
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

/** Well-formed signatures by another key or another hash. */
export const otherKeys: readonly Row[] = [
  [
    "other-secret",
    "signed with a secret that is not the receiver's",
    REFUSED,
    signedBy((secret) => `${secret}x`),
  ],
  ["empty-secret", "a receiver without a secret takes anyone's", REFUSED, signedByInvalidKey("")],
  ...["undefined", "null", "None"].map(
    (text): Row => [
      `secret-${text.toLowerCase()}`,
      "a variable that is not set, as text",
      REFUSED,
      signedByInvalidKey(text),
    ],
  ),
  ["sha1", "another hash, 40 digits", REFUSED, signedWithHash("sha1")],
  ["sha512", "another hash, 128 digits", REFUSED, signedWithHash("sha512")],
  ["sha512-cut", "another hash, cut to the right length", REFUSED, signedWithHash("sha512", 64)],
  [
    "signature-as-body",
    "what is signed is the body, not its signature",
    REFUSED,
    ({ secret, signature }) => ({ signatures: [sign(utf8(signature), secret)] }),
  ],
];

/** Creates a row whose only signature is a modification of the right one. */
function modified(name: string, why: string, change: (right: string) => string): Row {
  return [name, why, REFUSED, ({ signature }) => ({ signatures: [change(signature)] })];
}

function twoLines(lines: (right: string) => [string, string]): Row[3] {
  return ({ signature }) => ({ signatures: lines(signature) });
}

function signedBy(key: (secret: string) => string): Row[3] {
  return ({ body, secret }) => ({ signatures: [sign(body, key(secret))] });
}

/** Signs with a key that `sign` refuses. */
function signedByInvalidKey(key: string): Row[3] {
  return ({ body }) => ({ signatures: [otherHmac("sha256", body, key)] });
}

function signedWithHash(hash: "sha1" | "sha512", digits?: number): Row[3] {
  return ({ body, secret }) => ({ signatures: [otherHmac(hash, body, secret).slice(0, digits)] });
}

const other = (digit = ""): string => (digit === "0" ? "1" : "0");

function base64(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  return btoa(String.fromCharCode(...pairs.map((pair) => Number.parseInt(pair, 16))));
}

/** Replaces ASCII by the fullwidth forms of Unicode. */
const wide = (ascii: string): string =>
  ascii.replace(/./g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));

/** Encodes text as UTF-8, with one character for each byte, as a header is written. */
const latin1 = (text: string): string => String.fromCharCode(...utf8(text));
