// Which secrets are taken, and the fingerprint that names each.

import { createHash } from "node:crypto";
import { bytes, hex, parts, text } from "./bytes.js";

function taken(name, why, secret) {
  const label = createHash("sha256").update("vtryon-webhooks fingerprint\0").update(bytes(secret));
  return { name, why, secret, expect: { fingerprint: label.digest("hex").slice(0, 8) } };
}

const refused = (name, why, secret, code) => ({ name, why, secret, expect: { code } });

/** Tells whether a key in hex begins or ends with ASCII whitespace, and is refused for it. */
export const isWhitespace = (key) => /^(09|0a|0b|0c|0d|20)|(09|0a|0b|0c|0d|20)$/.test(key);

export const secret = [
  taken("plain", "what Vtryon's dashboard shows", text("whsec_0123456789abcdef")),
  taken("one byte", "weak, but not ours to judge", text("x")),
  taken("a block", "64 bytes are the HMAC key as they are", parts(["k", 64])),
  taken("a block and a byte", "RFC 2104: a longer key is hashed first", parts(["k", 65])),
  taken("not UTF-8", "a key is bytes", hex("80ff00fe80")),
  taken("blank inside", "only the edges betray a careless paste", text("two words")),
  refused(
    "empty",
    "HMAC takes an empty key, and anyone can sign with it",
    text(""),
    "secret_empty",
  ),
  refused("blank", "an empty secret in disguise", text(" "), "secret_whitespace"),
  refused("leading blank", "a careless paste", text(" whsec_x"), "secret_whitespace"),
  refused("trailing blank", "a careless paste", text("whsec_x "), "secret_whitespace"),
  refused("trailing line feed", "echo into a secret store", text("whsec_x\n"), "secret_whitespace"),
  refused("trailing CR LF", "a file from Windows", text("whsec_x\r\n"), "secret_whitespace"),
  refused("leading tab", "a careless paste", text("\twhsec_x"), "secret_whitespace"),
  refused(
    "leading vertical tab",
    "whitespace of ASCII too",
    text("\vwhsec_x"),
    "secret_whitespace",
  ),
  refused("trailing form feed", "whitespace of ASCII too", text("whsec_x\f"), "secret_whitespace"),
  taken("other control characters", "a binary key may hold them anywhere", hex("00781f7f")),
];
