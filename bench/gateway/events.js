// Signed events as the requests that bring them.

import { createHmac } from "node:crypto";
import { request } from "./client.js";
import { SECRET } from "./gateway.js";

/** How many bytes an event has: what most have. */
const SIZE = 350;

let tasks = 0;

/** The request of one event, signed by a secret. */
export function posted(task_id, status, secret = SECRET) {
  const event = { event: "generation.status_changed", task_id, status, trace: "" };
  const missing = SIZE - JSON.stringify(event).length;
  const body = JSON.stringify({ ...event, trace: "x".repeat(missing) });
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const headers = { "x-vtryon-signature": signature, "content-type": "application/json" };
  return request("POST", "/webhooks/vtryon", headers, body);
}

/** The first and the second event of half as many new tasks. */
export function fresh(count) {
  const ids = Array.from({ length: count / 2 }, () => `bench_${tasks++}`);
  return ["queued", "processing"].flatMap((status) => ids.map((id) => posted(id, status)));
}
