// The core's binding where it is called otherwise than the package calls it: nothing is verified.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";

const [{ callCore }, { keyedPayload, writeDigest, writePayload }] = await Promise.all(
  ["engine", "memory"].map((name) => import(`../../dist/esm/core/${name}.js`)),
);

const [SECRET, SIGNED, FORGED, EMPTY] = ["s", '{"a":1}', '{"a":2}', ""].map((text) =>
  new TextEncoder().encode(text),
);
const sign = (body) => createHmac("sha256", SECRET).update(body).digest("hex");

/** The secret of an endpoint, and its messages. */
const KEY = Buffer.alloc(32, 7);
const ENDPOINT_SECRET = new TextEncoder().encode(`whsec_${KEY.toString("base64")}`);
const standard = (timestamp, body) => {
  const mac = createHmac("sha256", KEY).update(`evt_1.${timestamp}.`).update(body);
  return ["evt_1", String(timestamp), `v1,${mac.digest("base64")}`];
};
const ONE_OF_EACH = new Uint32Array([1, 1, 1]);
const NOW = 1_780_000_000;

/** Writes a payload with its signature, and returns whether the core parses it. */
function write(core, verifier, body, digits) {
  writePayload(core, body, body.length, digits);
  return verifier.parseSignature();
}

/** Writes the digest of the payload, as the package does where the runtime has SHA-256. */
function writeDigestOf(body) {
  writeDigest(createHash("sha256").update(keyedPayload(body.length)).digest("latin1"));
}

/** Returns true, or the code of the error. */
const verdict = (core, isVerified) => isVerified || core.takeError()[0];

/** [what is done, how, what is returned] */
const CALLS = [
  [
    "a digest is for one payload",
    (core, verifier) => {
      write(core, verifier, SIGNED, sign(SIGNED));
      writeDigestOf(SIGNED);
      const first = verdict(core, verifier.verify(SIGNED.length, true));
      write(core, verifier, FORGED, sign(SIGNED));
      return [first, verdict(core, verifier.verify(FORGED.length, true))];
    },
    [true, "signature_mismatch"],
  ],
  [
    "a signature is for one payload",
    (core, verifier) => {
      const parsed = [write(core, verifier, SIGNED, sign(SIGNED))];
      parsed.push(write(core, verifier, SIGNED, "x".repeat(64)));
      return [...parsed, verdict(core, verifier.verify(SIGNED.length, false))];
    },
    [true, false, "unavailable"],
  ],
  ...[2 ** 20, -1].map((length) => [
    `a payload of ${length} bytes, for which no memory is reserved, is not the empty one`,
    (core, verifier, messages) => {
      write(core, verifier, EMPTY, sign(EMPTY));
      const own = verdict(core, verifier.verify(length, false));
      messages.setHeaders(ONE_OF_EACH, ...standard(NOW, EMPTY));
      return [own, verdict(core, messages.verify(NOW * 1000, length))];
    },
    ["unavailable", "unavailable"],
  ]),
  [
    "a clock of NaN is not 1970",
    (core, verifier, messages) => {
      write(core, verifier, SIGNED, sign(SIGNED));
      messages.setHeaders(ONE_OF_EACH, ...standard(0, SIGNED));
      const verdicts = [0, Number.NaN].map((now) => messages.verify(now, SIGNED.length));
      return [verdicts[0], verdict(core, verdicts[1])];
    },
    [true, "timestamp_too_new"],
  ],
];
for (const [what, call, expected] of CALLS) {
  test(what, () => {
    const found = callCore((core) =>
      call(
        core,
        new core.SignatureVerifier([SECRET], 1024),
        new core.StandardWebhooksVerifier([ENDPOINT_SECRET], 1024, 300),
      ),
    );
    assert.deepEqual(found, expected);
  });
}

test("more memory than there is can't be reserved, and the next call starts the core anew", () => {
  const reserve = () => callCore((core) => core.reserve(0xffff_ffff));
  assert.throws(reserve, { code: "unavailable" });
  const isVerified = callCore((core) => {
    const verifier = new core.SignatureVerifier([SECRET], 1024);
    write(core, verifier, SIGNED, sign(SIGNED));
    return verifier.verify(SIGNED.length, false);
  });
  assert.ok(isVerified);
});
