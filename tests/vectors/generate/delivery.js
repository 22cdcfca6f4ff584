// How deliveries are signed, with which secrets, and by which id an event is known.

import { createHash, createHmac } from "node:crypto";
import { bytes, hex, parts, text } from "./bytes.js";

const digest = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** A delivery as both schemes sign it: the guide's with the text of the secret, the other with its bytes. */
function signed(
  name,
  why,
  secret,
  { id = "evt_1", timestamp = 1_780_000_000, body = text("{}") } = {},
) {
  const key = Buffer.from(secret, "hex");
  const revealed = `whsec_${key.toString("base64")}`;
  const standard = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(bytes(body));
  return {
    name,
    why,
    secret,
    text: revealed,
    fingerprint: digest("vtryon-webhooks fingerprint\0", revealed).slice(0, 8),
    id,
    timestamp,
    body,
    vtryon: createHmac("sha256", revealed).update(bytes(body)).digest("hex"),
    standard: `v1,${standard.digest("base64")}`,
  };
}

const refused = (name, why, refused) => ({ name, why, refused });

const escaped = (part) => part.replaceAll("%", "%25").replaceAll(":", "%3A");

function identity(name, why, [kind, ...parts]) {
  const key = {
    status: (taskId, status) => `status:${escaped(status)}:${taskId}`,
    event: (taskId, name, digest) => `event:${escaped(name)}:${digest}:${taskId}`,
    body: (digest) => `body:${digest}`,
  }[kind](...parts);
  return {
    name,
    why,
    identity: [kind, ...parts],
    key,
    webhook_id: `evt_${digest(key).slice(0, 32)}`,
  };
}

const COUNTED = Buffer.from(Array.from({ length: 32 }, (_, place) => place)).toString("hex");
const ALMOST_ZEROS = `${"00".repeat(31)}01`;
const ONES = "ff".repeat(32);
const DIGEST = digest("{}");
const WHOLE = Buffer.from(COUNTED, "hex").toString("base64");

export const delivery = [
  signed("plain", "an event as most are", COUNTED, {
    id: "evt_3bd1c5a3c0c2ee0b2f7d8b1f8e8c7a66",
    body: text('{"event":"generation.status_changed","task_id":"task_123","status":"queued"}'),
  }),
  signed("almost zeros", "base64 of A almost alone", ALMOST_ZEROS),
  signed("ones", "base64 with slashes: not the alphabet of URLs", ONES),
  signed(
    "plus signs",
    "base64 with plus signs: not the alphabet of URLs",
    `${"fbefbe".repeat(10)}fbef`,
  ),
  signed("empty body", "signed too", COUNTED, { body: text("") }),
  signed("any bytes", "a body is no text", COUNTED, { body: hex("ff00fe0d0a") }),
  signed("a long body", "more than a block", COUNTED, { body: parts(["k", 100_000]) }),
  signed("1970", "no padding of the timestamp", COUNTED, { timestamp: 0 }),
  signed("before 1970", "a sign", COUNTED, { timestamp: -1 }),
  signed("an id with dots", "joined as it is", COUNTED, { id: "a.b.c" }),
  refused("empty", "no secret", ""),
  refused("the prefix alone", "no bytes", "whsec_"),
  refused("no prefix", "the text is a key: it has one spelling", WHOLE),
  refused("another prefix", "names are exact", `WHSEC_${WHOLE}`),
  refused("no padding", "one spelling", `whsec_${WHOLE.replace("=", "")}`),
  refused("more padding", "one spelling", `whsec_${WHOLE}=`),
  refused("31 bytes", "32 are needed", `whsec_${Buffer.alloc(31, 7).toString("base64")}`),
  refused("33 bytes", "32 are needed", `whsec_${Buffer.alloc(33, 7).toString("base64")}`),
  refused(
    "zero bytes",
    "receivers refuse them: anyone can sign with them",
    `whsec_${Buffer.alloc(32).toString("base64")}`,
  ),
  refused("a blank before it", "a careless paste", ` whsec_${WHOLE}`),
  refused("a line feed after it", "a careless paste", `whsec_${WHOLE}\n`),
  refused("a blank inside", "not base64", `whsec_ ${WHOLE.slice(1)}`),
  refused("the alphabet of URLs", "one spelling", `whsec_${"_".repeat(42)}8=`),
  refused("bits that count for nothing", "one spelling", `whsec_${"A".repeat(42)}B=`),
  refused("not base64 at all", "not ASCII", `whsec_${"é".repeat(22)}`),
  identity("a status", "the usual event", ["status", "task_123", "completed"]),
  identity("a colon in a task", "it stands at the end", ["status", "a:b", "completed"]),
  identity("a colon in a status", "escaped, so that it can't end there", ["status", "b", "a:b"]),
  identity("a percent sign in a status", "escaped", ["status", "b", "50%"]),
  identity("an escape in a status", "escaped once more", ["status", "b", "a%3Ab"]),
  identity("not ASCII", "bytes of UTF-8", ["status", "tâche-🧥", "completed"]),
  identity("another event", "told apart by its bytes", [
    "event",
    "task_123",
    "generation.noted",
    DIGEST,
  ]),
  identity("another event with a colon", "escaped", ["event", "task_123", "a:b%", DIGEST]),
  identity("a body", "that can't be read", ["body", DIGEST]),
];
