// Bytes as the vectors write them: {text}, {hex}, or {parts: [[text, times], …]} for long ones.

import { createHmac } from "node:crypto";

export const hex = (hex) => ({ hex });
export const text = (text) => ({ text });
export const parts = (...parts) => ({ parts });

/** Returns the bytes that a vector's value stands for. */
export function bytes(value) {
  if ("hex" in value) return Buffer.from(value.hex, "hex");
  if ("text" in value) return Buffer.from(value.text);
  return Buffer.from(value.parts.map(([text, times]) => text.repeat(times)).join(""));
}

/** Signs as Vtryon does. */
export function sign(secret, body, algorithm = "sha256") {
  return createHmac(algorithm, bytes(secret)).update(bytes(body)).digest("hex");
}
