// What backends verify deliveries with, none of it written for this gateway: the receiver of Vtryon's guide,
// and the libraries of Standard Webhooks on npm and PyPI.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, timingSafeEqual } from "node:crypto";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { within } from "../../../support/wait.js";

const PYTHON = fileURLToPath(new URL("../../../../.cache/python/bin/python", import.meta.url));
const PROGRAM = fileURLToPath(new URL("./standard_webhooks.py", import.meta.url));

/** Verifies as the guide tells receivers to: HMAC-SHA256 of the raw body, in hex, compared in constant time. */
export function guideAccepts(secret, { headers, body }) {
  const given = Buffer.from(headers["x-vtryon-signature"] ?? "");
  const computed = Buffer.from(createHmac("sha256", secret).update(body).digest("hex"));
  return given.length === computed.length && timingSafeEqual(given, computed);
}

/** Answers as a backend that has one secret and verifies by the guide; `refusal` is the status of its no. */
export function guideReceiver(secret, refusal = 401) {
  return ({ headers, body, response }) =>
    response.writeHead(guideAccepts(secret, { headers, body }) ? 200 : refusal).end();
}

function npmAccepts(secret, { headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (refusal) {
    if (refusal instanceof WebhookVerificationError) return false;
    throw refusal;
  }
}

async function pypiAccepts(secret, deliveries) {
  const child = spawn(PYTHON, [PROGRAM], {
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  for (const { headers, body } of deliveries) {
    child.stdin.write(`${JSON.stringify({ secret, headers, body: body.toString("base64") })}\n`);
  }
  child.stdin.end();
  const said = await within("verdicts of PyPI's standardwebhooks", text(child.stdout));
  const verdicts = said.trimEnd().split("\n");
  assert.equal(verdicts.length, deliveries.length, "a verdict on each delivery");
  return verdicts.map((verdict) => {
    assert.match(verdict, /^(verified|WebhookVerificationError)$/);
    return verdict === "verified";
  });
}

/** The two libraries of Standard Webhooks: each tells which of some deliveries it accepts under a secret. */
export const LIBRARIES = [
  {
    name: "npm's standardwebhooks",
    accepts: async (secret, deliveries) => deliveries.map((sent) => npmAccepts(secret, sent)),
  },
  { name: "PyPI's standardwebhooks", accepts: pypiAccepts },
];

/** All that a backend may verify with. */
export const RECEIVERS = [
  {
    name: "the guide's receiver",
    accepts: async (secret, deliveries) => deliveries.map((sent) => guideAccepts(secret, sent)),
  },
  ...LIBRARIES,
];
