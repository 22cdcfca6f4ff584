// Requests whose signature was refused, as senders and proxies get them wrong, and the mistake to be named.

import { createHash, createHmac } from "node:crypto";
import { bytes, hex, parts, text } from "./bytes.js";

const CURRENT = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDE=";
const RETIRED = "whsec_retired_secret";
const ENDPOINT = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** Those that are asked about, unless a vector has its own. */
const CANDIDATES = [
  ["current", text(CURRENT)],
  ["previous", text("whsec_previous_secret")],
  ["retired", text(RETIRED)],
  ["endpoint", text(ENDPOINT)],
];

const EVENT = {
  event: "generation.status_changed",
  task_id: "task_123",
  status: "completed",
  data: {
    result_url: "https://cdn.example/4k.png",
    tags: ["a, b: c", '{[\\"]}', ""],
    none: {},
    no: [],
  },
  error: null,
  big: 1e21,
};
const COMPACT = JSON.stringify(EVENT);
const LINES = JSON.stringify(EVENT, null, 2);
const WIDE = JSON.stringify(EVENT, null, 4);
/** As Python's json.dumps lays it out: strings kept apart, blanks put between the tokens. */
const SPACED = COMPACT.replace(/"(?:[^"\\]|\\.)*"|[,:]/g, (token) =>
  token === "," || token === ":" ? `${token} ` : token,
);

const mac = (key, body, algorithm = "sha256", encoding = "hex") =>
  createHmac(algorithm, typeof key === "string" ? key : bytes(key))
    .update(typeof body === "string" ? body : bytes(body))
    .digest(encoding);

const sent = (name, why, mistake, header, body = text(COMPACT), more = {}) => ({
  name,
  why,
  header: typeof header === "string" ? text(header) : header,
  body: typeof body === "string" ? text(body) : body,
  whole: true,
  candidates: CANDIDATES,
  mistake,
  ...more,
});

const good = mac(CURRENT, COMPACT);
const bad = mac("whsec_other", COMPACT);
const base64 = mac(CURRENT, COMPACT, "sha256", "base64");
const stem = CURRENT.slice("whsec_".length);
const only = (secret, held = "current") => ({ candidates: [[held, secret]] });

const secrets = [
  sent("the current secret", "configured since", "verifies_now", good),
  sent("upper case", "either case is good", "verifies_now", good.toUpperCase()),
  sent(
    "the previous secret",
    "configured since",
    "verifies_now",
    mac("whsec_previous_secret", COMPACT),
  ),
  sent("a retired secret", "not configured any more", "retired_secret", mac(RETIRED, COMPACT)),
  sent("an endpoint's secret", "a delivery sent back", "endpoint_secret", mac(ENDPOINT, COMPACT)),
  sent("an empty body", "signed too", "retired_secret", mac(RETIRED, ""), ""),
  sent(
    "line feed in the secret",
    "read from a file",
    "secret_with_whitespace",
    mac(`${CURRENT}\n`, COMPACT),
  ),
  sent(
    "CR LF in the secret",
    "a file from Windows",
    "secret_with_whitespace",
    mac(`${CURRENT}\r\n`, COMPACT),
  ),
  sent(
    "a blank in the secret",
    "a careless paste",
    "secret_with_whitespace",
    mac(`${CURRENT} `, COMPACT),
  ),
  ...[
    ["double quotes", '"'],
    ["single quotes", "'"],
    ["backquotes", "`"],
  ].map(([name, quote]) =>
    sent(
      `${name} around the secret`,
      "copied out of a file",
      "secret_quoted",
      mac(`${quote}${CURRENT}${quote}`, COMPACT),
    ),
  ),
  sent(
    "quotes around the retired secret",
    "tried for each of Vtryon's",
    "secret_quoted",
    mac(`"${RETIRED}"`, COMPACT),
  ),
  ...[
    ["alone", ""],
    ["and CR LF after it", "\r\n"],
    ["and a line feed after it", "\n"],
  ].map(([name, end]) =>
    sent(
      `a byte order mark before the secret, ${name}`,
      "a file of Windows",
      "secret_with_bom",
      mac(`\ufeff${CURRENT}${end}`, COMPACT),
    ),
  ),
  sent(
    "a line feed in the retired secret",
    "tried for each of Vtryon's",
    "secret_with_whitespace",
    mac(`${RETIRED}\n`, COMPACT),
  ),
  sent(
    "a line feed in an endpoint's secret",
    "the gateway signs its own right: not tried",
    "unknown",
    mac(`${ENDPOINT}\n`, COMPACT),
  ),
  sent(
    "the prefix stripped",
    "whsec_ is a part of the key",
    "secret_prefix_stripped",
    mac(stem, COMPACT),
  ),
  sent(
    "the prefix missing here",
    "configured without it",
    "secret_prefix_missing",
    mac("whsec_abc", COMPACT),
    undefined,
    only(text("abc")),
  ),
  sent(
    "the secret decoded",
    "as Standard Webhooks does",
    "secret_decoded",
    mac(hex(Buffer.from(stem, "base64").toString("hex")), COMPACT),
  ),
  sent(
    "the secret decoded, without padding",
    "as it may be written",
    "secret_decoded",
    mac(text("any carnal pleas"), COMPACT),
    undefined,
    only(text(`whsec_${Buffer.from("any carnal pleas").toString("base64").replace(/=+$/, "")}`)),
  ),
  sent(
    "the secret decoded, the alphabet of URLs",
    "as it may be written",
    "secret_decoded",
    mac(hex("fbefbefbefbe"), COMPACT),
    undefined,
    only(text("whsec_--------")),
  ),
  sent(
    "the secret decoded from hex",
    "after the prefix",
    "secret_decoded",
    mac(hex("00ff".repeat(16)), COMPACT),
    undefined,
    only(text(`whsec_${"00fF".repeat(16)}`)),
  ),
  sent(
    "the secret decoded from hex, no prefix",
    "as some generate it",
    "secret_decoded",
    mac(hex("00ff".repeat(16)), COMPACT),
    undefined,
    only(text("00ff".repeat(16))),
  ),
  sent(
    "no secret",
    "a plain hash",
    "plain_hash",
    createHash("sha256").update(COMPACT).digest("hex"),
  ),
  sent(
    "an empty secret",
    "anyone can make that: it proves nothing",
    "unknown",
    mac("", COMPACT),
    undefined,
    only(text("whsec_")),
  ),
  ...[
    ["hex", "0".repeat(64)],
    ["base64", Buffer.alloc(32).toString("base64")],
  ].map(([name, zeros]) =>
    sent(
      `an empty secret, and one of zeros in ${name}`,
      "zeros are the empty key: it proves nothing",
      "unknown",
      mac("", COMPACT),
      undefined,
      only(text(`whsec_${zeros}`)),
    ),
  ),
  sent("nothing to try", "no candidates", "unknown", good, undefined, { candidates: [] }),
];

const reserialised = [
  ["compact, signed spaced", COMPACT, SPACED],
  ["compact, signed in lines of 2", COMPACT, LINES],
  ["compact, signed in lines of 4", COMPACT, WIDE],
  ["spaced, signed compact", SPACED, COMPACT],
  ["in lines, signed compact", LINES, COMPACT],
  ["in lines, signed spaced", LINES, SPACED],
  ["blanks everywhere", '\t{ "a" :\r\n[ 1 ,2 , { } ,[ ] ] }', '{"a":[1,2,{},[]]}'],
  ["blanks everywhere, in lines", '{ "a" :[ 1 ,{ } ] }', '{\n  "a": [\n    1,\n    {}\n  ]\n}'],
  ["no object", "[1,2]", "[1, 2]"],
  ["a string at the end", '{"a":"\\\\"}', '{"a": "\\\\"}'],
  ["not ASCII", '{"a":"🧥, é: ü"}', '{"a": "🧥, é: ü"}'],
].map(([name, came, signed]) =>
  sent(
    `re-serialised: ${name}`,
    "only blanks differ",
    "body_reserialised",
    mac(CURRENT, signed),
    came,
  ),
);

/** So deep that each of its many lines would be indented by 128 blanks. */
const DEEP = `${"[".repeat(64)}${"1,".repeat(500)}1${"]".repeat(64)}`;

const bodies = [
  ...reserialised,
  sent(
    "keys in another order",
    "another body",
    "unknown",
    mac(CURRENT, '{"b":1,"a":2}'),
    '{"a":2,"b":1}',
  ),
  sent("a number written anew", "another body", "unknown", mac(CURRENT, '{"a":1.0}'), '{"a":1}'),
  sent(
    "an escape written anew",
    "another body",
    "unknown",
    mac(CURRENT, '{"a":"\\u00e9"}'),
    '{"a":"é"}',
  ),
  sent("no JSON", "nothing to lay out", "unknown", mac(CURRENT, "a, b"), "a,b"),
  sent("a blank in a string", "another body", "unknown", mac(CURRENT, '{"a":"b c"}'), '{"a":"bc"}'),
  sent(
    "deep and wide",
    "a layout out of all proportion is not tried",
    "unknown",
    mac(CURRENT, JSON.stringify(JSON.parse(DEEP), null, 2)),
    DEEP,
  ),
  sent("deeper than events are", "not tried", "unknown", bad, parts(["[", 65], ["]", 65])),
  sent("a line feed added", "echo, or an editor", "newline_added", good, `${COMPACT}\n`),
  sent("CR LF added", "a shell of Windows", "newline_added", good, `${COMPACT}\r\n`),
  sent("blanks added", "whatever adds them", "newline_added", good, `${COMPACT} \n\n`),
  sent("a line feed lost", "trimmed on its way", "newline_trimmed", mac(CURRENT, `${COMPACT}\n`)),
  sent("CR LF lost", "trimmed on its way", "newline_trimmed", mac(CURRENT, `${COMPACT}\r\n`)),
  sent(
    "LF for CR LF",
    "treated as text",
    "line_ends_changed",
    mac(CURRENT, LINES.replaceAll("\n", "\r\n")),
    LINES,
  ),
  sent(
    "CR LF for LF",
    "treated as text",
    "line_ends_changed",
    mac(CURRENT, LINES),
    LINES.replaceAll("\n", "\r\n"),
  ),
  sent(
    "CR LF for LF at the end",
    "treated as text",
    "line_ends_changed",
    mac(CURRENT, "a\n"),
    "a\r\n",
  ),
  sent(
    "any bytes",
    "the body is no text",
    "newline_added",
    mac(CURRENT, hex("ff00fe")),
    hex("ff00fe0a"),
  ),
  sent("another body", "changed on its way", "unknown", good, `${COMPACT}x`),
  sent("no body", "it never arrived", "body_empty", good, ""),
  sent("no body, another's signature", "nothing to try it on", "body_empty", bad, ""),
  sent("no body, sha256=", "nothing to try it on", "body_empty", `sha256=${good}`, ""),
  sent(
    "no body, signed empty",
    "another key",
    "secret_with_whitespace",
    mac(`${CURRENT}\n`, ""),
    "",
  ),
  sent("no body and no header", "the form is enough", "empty_header", "", ""),
  sent("a line feed alone", "trimmed, it is nothing", "newline_added", mac(CURRENT, ""), "\n"),
];

const standard = mac(CURRENT, `evt_1.1780000000.${COMPACT}`, "sha256", "base64");
const urls = base64.replaceAll("+", "-").replaceAll("/", "_");

const forms = [
  sent("no header", "or an empty one", "empty_header", ""),
  sent("blanks", "as good as empty", "empty_header", " \t"),
  sent("sha256=", "as GitHub does", "prefixed", `sha256=${good}`),
  sent("SHA256=", "either case", "prefixed", `SHA256=${good}`),
  sent("v1=", "half of Stripe's form", "prefixed", `v1=${good}`),
  sent("v1, and hex", "half of Standard Webhooks' form", "prefixed", `v1,${good}`),
  sent("sha256= by another", "no secret made it", "other_form", `sha256=${bad}`),
  sent(
    "sha256= by a retired secret",
    "the secret says more",
    "retired_secret",
    `sha256=${mac(RETIRED, COMPACT)}`,
  ),
  sent(
    "sha256= over another layout",
    "the body says more",
    "body_reserialised",
    `sha256=${good}`,
    SPACED,
  ),
  sent("base64", "44 characters", "base64_signature", base64),
  sent("base64 without padding", "43 characters", "base64_signature", base64.replace("=", "")),
  sent("base64, the alphabet of URLs", "of other slashes", "base64_signature", urls),
  sent("sha256= and base64", "as X does", "base64_signature", `sha256=${base64}`),
  sent(
    "base64 by another",
    "no secret made it",
    "other_form",
    mac("x", COMPACT, "sha256", "base64"),
  ),
  sent("Standard Webhooks", "v1, and base64", "standard_webhooks", `v1,${standard}`),
  sent(
    "Standard Webhooks, two",
    "while a secret is rotated",
    "standard_webhooks",
    `v1,${standard} v1,${base64}`,
  ),
  sent(
    "Standard Webhooks, two blanks",
    "blanks separate signatures",
    "standard_webhooks",
    `v1,${standard}  v1,${base64}`,
  ),
  sent(
    "Standard Webhooks, two versions",
    "receivers skip the one that they do not know",
    "standard_webhooks",
    `v1,${standard} v1a,${"A".repeat(86)}==`,
  ),
  sent("Stripe", "t= and v1=", "stripe_form", `t=1780000000,v1=${good}`),
  sent("Stripe, more schemes", "and blanks", "stripe_form", `t=1780000000, v0=${bad}, v1=${good}`),
  sent("MD5", "32 digits", "other_algorithm", mac(CURRENT, COMPACT, "md5")),
  sent("SHA-1", "40 digits", "other_algorithm", mac(CURRENT, COMPACT, "sha1")),
  sent(
    "SHA-1, as GitHub did",
    "with its prefix",
    "other_algorithm",
    `sha1=${mac(CURRENT, COMPACT, "sha1")}`,
  ),
  sent("SHA-384", "96 digits", "other_algorithm", mac(CURRENT, COMPACT, "sha384")),
  sent("SHA-512", "128 digits", "other_algorithm", mac(CURRENT, COMPACT, "sha512")),
  sent("63 digits", "cut off", "truncated_header", good.slice(0, 63)),
  sent("8 digits", "cut off", "truncated_header", good.slice(0, 8)),
  sent("a prefix alone", "cut off", "truncated_header", "sha256="),
  sent("a prefix and 63 digits", "cut off", "truncated_header", `sha256=${good.slice(0, 63)}`),
  sent("twice", "joined by a proxy", "repeated_header", `${good}, ${good}`),
  sent("two", "one of each", "repeated_header", `${good},${bad}`),
  sent("65 digits", "no algorithm's", "other_form", `${good}0`),
  sent("words", "no signature", "other_form", "hello world"),
  sent("a quoted value", "no form of ours", "other_form", `"${good}"`),
  sent("not ASCII", "no text even", "other_form", hex("ff".repeat(64))),
  sent("0x", "no prefix of a signature", "other_form", `0x${good}`),
  sent("by nobody", "the right form, another secret", "unknown", bad),
];

const partly = { whole: false };
const incomplete = [
  sent(
    "a beginning",
    "nothing can be tried",
    "body_incomplete",
    good,
    COMPACT.slice(0, 20),
    partly,
  ),
  sent(
    "a beginning, sha256=",
    "the form is what is known",
    "other_form",
    `sha256=${good}`,
    "{",
    partly,
  ),
  sent("a beginning, SHA-1", "the form is enough", "other_algorithm", "ab".repeat(20), "{", partly),
  sent("a beginning, no header", "the form is enough", "empty_header", "", "{", partly),
  sent(
    "a beginning that verifies",
    "what is kept is not what came",
    "body_incomplete",
    good,
    COMPACT,
    partly,
  ),
];

export const diagnosis = [...secrets, ...bodies, ...forms, ...incomplete];
