// The gateway's command refuses the same secrets as the gateway, in the same words: before they are set, since a gateway
// with such a secret answers nothing but 503.

import assert from "node:assert/strict";
import { test } from "node:test";
import { VtryonWebhooks } from "vtryon-webhooks";
import { faultOfSecret } from "../../edge-worker/npm/lib/secret-checks.js";
import secrets from "../vectors/secret.json" with { type: "json" };

/** Returns what the core says of a secret, without its subject. */
function faultOfCore(secret) {
  try {
    new VtryonWebhooks(secret);
  } catch ({ message }) {
    return message.replace("the secret ", "");
  }
}

for (const { name, secret } of secrets) {
  if (secret.text === undefined) continue;
  test(`vector: ${name}`, () => assert.equal(faultOfSecret(secret.text), faultOfCore(secret.text)));
}

/** All code points but most of what is a letter, and the halves of surrogate pairs. */
const RANGES = [
  [0, 0x3200],
  [0xf800, 0x10000],
  [0x1bc00, 0x1bd00],
  [0x1d100, 0x1d200],
  [0xe0000, 0xe1100],
];

test("every kind of character, in the middle and around it", () => {
  for (const [from, to] of RANGES) {
    for (let point = from; point < to; point += 1) {
      const character = String.fromCodePoint(point);
      for (const secret of [`a${character}bc`, `${character}ab${character}`]) {
        const what = `U+${point.toString(16)} in ${secret.length} units`;
        assert.equal(faultOfSecret(secret), faultOfCore(secret), what);
      }
    }
  }
});

const PIECES = [
  "whsec_",
  "x",
  "\0",
  "\n",
  "\u017f",
  "\u212a",
  "$",
  "{",
  "}",
  "%",
  "<",
  ">",
  "b",
  "'",
  "\\",
  "NaN",
];

test("mixtures of three pieces", () => {
  for (const first of PIECES) {
    for (const second of PIECES) {
      for (const third of PIECES) {
        const secret = first + second + third;
        assert.equal(faultOfSecret(secret), faultOfCore(secret), JSON.stringify(secret));
      }
    }
  }
});
