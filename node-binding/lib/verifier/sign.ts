import { call, refusal } from "../core/engine.js";
import { bytesOf, type Payload } from "../core/payload.js";
import { keyOf, type Secret } from "./secrets.js";

/** Signs a payload as Vtryon does: the value of `x-vtryon-signature`, 64 lower-case hex digits. */
export function sign(payload: Payload, secret: Secret): string {
  const bytes = bytesOf(payload);
  if (bytes === undefined) throw refusal("payload_not_raw");
  const key = keyOf(secret);
  return call((core) => core.sign(bytes, key));
}
