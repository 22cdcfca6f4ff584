import { callCore, webhookError } from "../core/engine.js";
import { type Payload, payloadBytes } from "../core/payload.js";
import { type Secret, secretBytes } from "./secrets.js";

/** Signs a payload as Vtryon does: the value of `x-vtryon-signature`, 64 lower-case hex digits. */
export function sign(payload: Payload, secret: Secret): string {
  const bytes = payloadBytes(payload);
  if (bytes === undefined) throw webhookError("payload_not_raw");
  const key = secretBytes(secret);
  return callCore((core) => core.sign(bytes, key));
}
