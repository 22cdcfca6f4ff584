// RFC 4231, 4.2 to 4.8: the published key, data and HMAC-SHA-256 of each test case.

import { hex, text } from "./bytes.js";
import { isWhitespace } from "./secret.js";

const CASES = [
  [
    "0b".repeat(20),
    text("Hi There"),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    Buffer.from("Jefe").toString("hex"),
    text("what do ya want for nothing?"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  [
    "aa".repeat(20),
    hex("dd".repeat(50)),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
  ],
  [
    "0102030405060708090a0b0c0d0e0f10111213141516171819",
    hex("cd".repeat(50)),
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
  ],
  // Case 5 is truncated to 128 bits: no signature of Vtryon's.
  ["0c".repeat(20), text("Test With Truncation"), "a3b6167473100ee06e0c796c2955552b"],
  [
    "aa".repeat(131),
    text("Test Using Larger Than Block-Size Key - Hash Key First"),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  ],
  [
    "aa".repeat(131),
    text(
      "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
    ),
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
  ],
];

export const rfc4231 = CASES.map(([key, body, signature], place) => {
  let expect = { secret_index: 0 };
  if (isWhitespace(key)) expect = { code: "secret_whitespace" };
  else if (signature.length !== 64) expect = { code: "malformed_signature" };
  return {
    name: `RFC 4231, case ${place + 1}`,
    why: "the published test vectors of HMAC-SHA-256",
    secrets: [hex(key)],
    body,
    signatures: [signature],
    expect,
  };
});
