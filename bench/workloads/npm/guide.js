// What the guide's Express handler does with the Buffer that it gets, step by step.

import { createHmac, timingSafeEqual } from "node:crypto";
import { SECRET } from "../../lib/corpus.js";

/** Checks the signature: the body as a string, the digests as hex digits. */
export function guideVerify(body, signature) {
  const digits = createHmac("sha256", SECRET).update(body.toString()).digest("hex");
  return timingSafeEqual(Buffer.from(signature, "utf8"), Buffer.from(digits, "utf8"));
}

/** Checks the signature and reads the event, which `express.json` has parsed from a string of its own. */
export function guideOpen(body, signature) {
  const event = JSON.parse(body.toString());
  if (!guideVerify(body, signature)) throw new Error("not verified");
  return event;
}
