// Signed bodies of exact sizes, of the kind that Vtryon sends.
//
// All text is ASCII: on other text the paths that turn bodies into strings are slower than shown.

import { createHmac } from "node:crypto";

export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** The sizes in bytes, by the names of the cases. The last needs `maxBodyBytes`. */
export const SIZES = {
  "64 B": 64,
  "350 B": 350,
  "2 KB": 2048,
  "16 KB": 16 * 1024,
  "256 KB": 256 * 1024,
  "1 MB": 1024 * 1024,
};

/** Returns the body of a case, and its signature as Vtryon makes it. */
export function signed(name) {
  const body = bodyOf(SIZES[name]);
  return { body, signature: createHmac("sha256", SECRET).update(body).digest("hex") };
}

/** What a body of so many bytes tells: small ones of a task, larger ones also of what is in the picture. */
function bodyOf(size) {
  // The event of a change of status does not fit into 64 bytes; one by another name does.
  if (size < 100) return filled({ event: "task.note", task_id: "" }, size, "task_id");
  const event = {
    event: "generation.status_changed",
    task_id: "task_01J9ZK3W7Q8N5R2T4V6X8Y0A1B",
    status: "completed",
    created_at: "2026-07-01T12:00:04.218Z",
    data: {
      result_url: "https://cdn.vtryon.example/results/01J9ZK3W7Q8N5R2T4V6X8Y0A1B.png",
      width: 3840,
      height: 2160,
    },
  };
  const items = [];
  while (
    Buffer.byteLength(JSON.stringify({ ...event, data: { ...event.data, items } })) <
    size - 300
  ) {
    items.push(itemOf(items.length));
  }
  if (items.length > 0) event.data.items = items;
  return filled({ ...event, trace: "" }, size, "trace");
}

/** A garment of the picture: texts, numbers, a list of lists, as JSON of APIs is. */
function itemOf(nth) {
  return {
    sku: `SKU-${(nth * 7919).toString(36).toUpperCase()}`,
    title: 'Linen shirt, relaxed fit, "off-white"',
    mask_url: `https://cdn.vtryon.example/masks/${nth}/garment.png?v=${nth * 31}`,
    confidence: (nth % 97) / 97,
    visible: nth % 3 !== 0,
    outline: Array.from({ length: 4 }, (_, corner) => [nth * 3 + corner, 1080 - nth - corner]),
  };
}

/** Fills one text of an event so that its JSON has exactly `size` bytes. */
function filled(event, size, member) {
  const missing = size - Buffer.byteLength(JSON.stringify(event));
  if (missing < 1) throw new Error(`${size} bytes are too few`);
  const text = "0123456789abcdef".repeat(Math.ceil(missing / 16)).slice(0, missing);
  return Buffer.from(JSON.stringify({ ...event, [member]: text }));
}
