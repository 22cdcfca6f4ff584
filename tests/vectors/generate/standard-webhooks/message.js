// What the vectors of Standard Webhooks are made of.

import { createHmac } from "node:crypto";
import { bytes, text } from "../bytes.js";

/** The secret of an endpoint whose bytes are 0, 1, 2, …: as many as are asked for. */
export const keyOf = (length, first = 0) =>
  Buffer.from(Array.from({ length }, (_, place) => (place + first) % 256));
export const shown = (key) => text(`whsec_${key.toString("base64")}`);

export const KEY = keyOf(32);
export const OTHER_KEY = keyOf(32, 100);
export const SECRET = shown(KEY);
export const OTHER = shown(OTHER_KEY);
export const ID = "evt_3bd1c5a3c0c2ee0b2f7d8b1f8e8c7a66";
export const TIME = 1_780_000_000;
export const NOW = TIME * 1000;
export const BODY = text(
  '{"event":"generation.status_changed","task_id":"task_123","status":"queued"}',
);

/** Signs as the specification says: the id, the timestamp and the body with dots between them. */
export function sign(key, { id = ID, timestamp = TIME, body = BODY } = {}, algorithm = "sha256") {
  const mac = createHmac(algorithm, key).update(`${id}.${timestamp}.`).update(bytes(body));
  return `v1,${mac.digest("base64")}`;
}
export const GOOD = sign(KEY);
export const OTHER_GOOD = sign(OTHER_KEY);
export const GARBAGE = `v1,${Buffer.alloc(32).toString("base64")}`;

export const list = (value) => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

function vector(name, why, expect, input = {}) {
  const {
    secrets = [SECRET],
    id = ID,
    timestamp = String(TIME),
    signature = GOOD,
    body = BODY,
    now = NOW,
    ...options
  } = { ...input };
  return {
    name,
    why,
    secrets,
    id: list(id),
    timestamp: list(timestamp),
    signature: list(signature),
    body,
    now,
    ...options,
    expect,
  };
}

export const good = (name, why, input = {}, secret_index = 0) =>
  vector(
    name,
    why,
    { secret_index, id: input.id ?? ID, timestamp: Number(input.timestamp ?? TIME) },
    input,
  );

/** What is said of these codes: for Vtryon's own scheme it is something else. */
const WORDS = {
  missing_signature: {
    message: "the header webhook-signature is missing or empty",
    hint: "pass the values of webhook-id, webhook-timestamp and webhook-signature; if they are not there, the request is not the gateway's, or a proxy drops them",
  },
  multiple_signatures: {
    message: "the header webhook-signature holds more than one value",
    hint: "the gateway sends the header once, with blanks between several signatures; see whether a proxy repeats or joins it",
  },
  signature_mismatch: {
    hint: "verify the raw body, before anything parses it, with the secret that the gateway shows for this endpoint; while it is rotated, configure both",
  },
};

export const bad = (code, name, why, input, words = WORDS[code]) =>
  vector(name, why, { code, ...words }, input);

/** A message that is good but for what `input` says: signed as it says, by the secret. */
export const signed = (input, key = KEY) => ({ ...input, signature: sign(key, input) });
