// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is what is refused
// Which secrets are taken, and the fingerprint that names each; what is said of those that are refused.

import { createHash } from "node:crypto";
import { bytes, hex, parts, text } from "./bytes.js";

function taken(name, why, secret) {
  const label = createHash("sha256").update("vtryon-webhooks fingerprint\0").update(bytes(secret));
  return { name, why, secret, expect: { fingerprint: label.digest("hex").slice(0, 8) } };
}

const refused = (code, message) => (name, why, secret) => ({
  name,
  why,
  secret,
  expect: { code, message },
});
const empty = refused("secret_empty", "the secret is empty");
const emptyAfterPrefix = refused("secret_empty", "the secret is empty after whsec_");
const zeros = refused(
  "secret_empty",
  "the secret holds only zero bytes, which are as good as none",
);
const whitespace = refused("secret_whitespace", "the secret begins or ends with whitespace");
const invisible = (what) => refused("secret_invisible", `the secret ${what}`);
const mark = invisible("begins with a byte order mark (U+FEFF)");
const control = invisible("holds a control character");
const noBreak = invisible("holds a no-break space");
const zeroWidth = invisible("holds a zero-width character");
const unseen = invisible("holds a character that can't be seen");
const utf16 = invisible("is UTF-16 and begins with a byte order mark");
const quoted = refused("secret_quoted", "the secret has quotes around it");
const word = (what) => refused("secret_placeholder", `the secret is the ${what}`);
const template = refused(
  "secret_placeholder",
  "the secret is a template such as ${NAME} that was not filled in",
);
const line = refused(
  "secret_placeholder",
  "the secret begins with the name of its variable, VTRYON_WEBHOOK_SECRET",
);

/** Returns whether a key in hex begins or ends with ASCII whitespace, and is refused for it. */
export const isWhitespace = (key) => /^(09|0a|0b|0c|0d|20)|(09|0a|0b|0c|0d|20)$/.test(key);

const whsec = (before, after = before) => text(`${before}whsec_x${after}`);

const good = [
  taken("plain", "what Vtryon's dashboard shows", text("whsec_0123456789abcdef")),
  taken("one byte", "weak, but not ours to judge", text("x")),
  taken("a block", "64 bytes are the HMAC key as they are", parts(["k", 64])),
  taken("a block and a byte", "RFC 2104: a longer key is hashed first", parts(["k", 65])),
  taken("not UTF-8", "a key is bytes", hex("80ff00fe80")),
  taken("blank inside", "only the edges betray a careless paste", text("two words")),
  taken("zero bytes and another one", "a binary key", hex(`${"00".repeat(31)}01`)),
  taken("other control characters", "a binary key may hold them anywhere", hex("00781f7f")),
  taken("control characters, not UTF-8", "a binary key may hold them anywhere", hex("00781f7fff")),
  taken("a byte order mark of UTF-16 and no UTF-16", "a binary key", hex("fffe0102")),
  taken("a byte order mark of UTF-16 and an odd length", "a binary key", hex("fffe770068")),
  taken("not ASCII", "letters of any script can be seen", text("clé-секрет-鍵")),
  taken("a quote at its beginning alone", "a password may begin with one", text('"whsec_x')),
  taken("a quote at its end alone", "a password may end with one", text("whsec_x'")),
  taken("quotes inside", "they are not around it", text('whsec_"x"y')),
  taken("one quote", "it is around nothing", text('"')),
  taken("a b before it", "no quote after it", text("b'x")),
  taken("undefined within", "a part of another word", text("whsec_undefined1")),
  taken("a word of no value within", "a part of another word", text("nullable")),
  taken("a dollar sign inside", "a password", text("pa$$word")),
  taken("a dollar sign and a number", "no name begins so", text("$100")),
  taken("a dollar sign alone", "no name", text("$")),
  taken("a percent sign alone", "no name", text("%")),
  taken("two percent signs", "no name", text("%%")),
  taken("a brace inside", "a password", text("a${b}")),
];

const blanks = [
  empty("empty", "HMAC takes an empty key, and anyone can sign with it", text("")),
  emptyAfterPrefix("the prefix alone", "a shell's variable that was not set", text("whsec_")),
  zeros("NUL alone", "HMAC pads a key with zeros: it is the empty one", text("\0")),
  zeros("32 zero bytes", "a buffer that was never filled", hex("00".repeat(32))),
  zeros("65 zero bytes", "another key, and as well known", hex("00".repeat(65))),
  whitespace("blank", "an empty secret in disguise", text(" ")),
  whitespace("leading blank", "a careless paste", text(" whsec_x")),
  whitespace("trailing blank", "a careless paste", text("whsec_x ")),
  whitespace("trailing line feed", "echo into a secret store", text("whsec_x\n")),
  whitespace("trailing CR LF", "a file from Windows", text("whsec_x\r\n")),
  whitespace("leading tab", "a careless paste", text("\twhsec_x")),
  whitespace("leading vertical tab", "whitespace of ASCII too", text("\vwhsec_x")),
  whitespace("trailing form feed", "whitespace of ASCII too", text("whsec_x\f")),
  whitespace("quotes and a line feed", "what is outermost is named", text('"whsec_x"\n')),
];

const unseens = [
  mark("a byte order mark", "an editor of Windows", whsec("\ufeff", "")),
  mark("a byte order mark and quotes", "what is outermost is named", text('\ufeff"whsec_x"')),
  zeroWidth("a byte order mark at the end", "two files joined", whsec("", "\ufeff")),
  utf16("UTF-16, little endian", "PowerShell writes files so", utf16Of("whsec_x")),
  utf16("UTF-16, big endian", "an editor", utf16Of("whsec_x", true)),
  control(
    "UTF-16 without a mark",
    "a NUL after each letter",
    hex(Buffer.from("whsec_x", "utf16le").toString("hex")),
  ),
  noBreak("no-break space before it", "copied from a page", whsec("\u00a0", "")),
  noBreak("no-break space after it", "copied from a page", whsec("", "\u00a0")),
  noBreak("no-break space inside", "copied from a page", text("whsec_\u00a0x")),
  noBreak("narrow no-break space", "copied from a page", whsec("", "\u202f")),
  ...[
    ["space", "\u200b"],
    ["non-joiner", "\u200c"],
    ["joiner", "\u200d"],
    ["word joiner", "\u2060"],
  ].map(([name, character]) =>
    zeroWidth(`zero-width ${name}`, "copied from a chat", whsec("", character)),
  ),
  ...[
    ["soft hyphen", "\u00ad"],
    ["left-to-right mark", "\u200e"],
    ["right-to-left override", "\u202e"],
    ["line separator", "\u2028"],
    ["em space", "\u2003"],
    ["ideographic space", "\u3000"],
    ["Mongolian vowel separator", "\u180e"],
    ["Hangul filler", "\u3164"],
    ["variation selector", "\ufe0f"],
    ["braille blank", "\u2800"],
    ["interlinear annotation", "\ufff9"],
    ["tag", "\u{e0041}"],
    ["variation selector past 16 bits", "\u{e0100}"],
    ["musical control", "\u{1d173}"],
  ].map(([name, character]) => unseen(name, "it can't be seen", whsec("", character))),
  control("NUL after it", "a C string", whsec("", "\0")),
  control("NUL before it", "a C string", whsec("\0", "")),
  control("line feed inside", "two lines were pasted", text("whsec_a\nwhsec_b")),
  control("tab inside", "a column of a table", text("name\twhsec_x")),
  control("escape", "colours of a terminal", text("\u001b[32mwhsec_x\u001b[0m")),
  control("DEL", "a key that was pressed", whsec("", "\x7f")),
  control("next line", "a control character past ASCII", whsec("", "\u0085")),
];

const quotes = [
  ["double", '"', '"'],
  ["single", "'", "'"],
  ["backquotes", "`", "`"],
  ["typographic double", "“", "”"],
  ["typographic single", "‘", "’"],
  ["German", "„", "“"],
  ["French", "«", "»"],
  ["single angle", "‹", "›"],
  ["acute accents", "´", "´"],
  ["full-width", "＂", "＂"],
  ["mixed", '"', "'"],
  ["escaped", '\\"', '\\"'],
  ["of Python's bytes", "b'", "'"],
].map(([name, before, after]) =>
  quoted(`quotes: ${name}`, "a file, YAML or a form kept them", whsec(before, after)),
);

const placeholders = [
  ...["undefined", "null", "none", "nil", "nan", "false"].map((name) =>
    word(`word ${name}`)(`the word ${name}`, "written for no value", text(name)),
  ),
  word("word undefined")("the word Undefined", "in any case", text("Undefined")),
  word("word null")("the word NULL", "in any case", text("NULL")),
  word("word undefined")("whsec_undefined", "a template of JavaScript", text("whsec_undefined")),
  word("text [object Object]")("[object Object]", "an object as a text", text("[object Object]")),
  quoted("quoted undefined", "what is outermost is named", text('"undefined"')),
  quoted("nothing in quotes", "an empty value in YAML", text('""')),
  ...[
    ["a shell's braces", "${VTRYON_WEBHOOK_SECRET}"],
    ["a shell's variable", "$VTRYON_WEBHOOK_SECRET"],
    ["a shell's default", "${SECRET:-}"],
    ["GitHub's", "${{ secrets.VTRYON }}"],
    ["Kubernetes'", "$(VTRYON_WEBHOOK_SECRET)"],
    ["Windows'", "%VTRYON_WEBHOOK_SECRET%"],
    ["a template's", "{{ vtryon_secret }}"],
    ["a document's", "<your secret>"],
    ["after whsec_", "whsec_${SECRET}"],
    ["lower case", "$secret"],
  ].map(([name, secret]) => template(`placeholder: ${name}`, "it was not filled in", text(secret))),
  line("the whole line", "copied from a file", text("VTRYON_WEBHOOK_SECRET=whsec_x")),
  line("the name alone", "the name for the value", text("VTRYON_WEBHOOK_SECRET")),
];

function utf16Of(word, isBig = false) {
  const encoded = Buffer.from(`\ufeff${word}`, "utf16le");
  return hex((isBig ? encoded.swap16() : encoded).toString("hex"));
}

export const secret = [...good, ...blanks, ...unseens, ...quotes, ...placeholders];
