// Signed events as the requests that bring them.

import { createHmac } from "node:crypto";
import { request } from "./client.js";
import { SECRET } from "./gateway.js";

/** How many bytes an event has: what most have. */
const SIZE = 350;

let tasks = 0;
let notes = 0;

/** The request of one event, signed by a secret. */
export function posted(task_id, status, secret = SECRET) {
  return brings({ event: "generation.status_changed", task_id, status }, secret);
}

/** An event of a task that leaves its status as it is, and is like none before it. */
export const note = (task_id) => brings({ event: "task.note", task_id, note: notes++ }, SECRET);

/** The first and the second event of half as many new tasks, by ids that rise unless others are made. */
export function fresh(count, idOf = (nth) => `bench_${nth}`) {
  const ids = Array.from({ length: count / 2 }, () => idOf(tasks++));
  return ["queued", "processing"].flatMap((status) => ids.map((id) => posted(id, status)));
}

function brings(event, secret) {
  const missing = SIZE - JSON.stringify({ ...event, trace: "" }).length;
  const body = JSON.stringify({ ...event, trace: "x".repeat(missing) });
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const headers = { "x-vtryon-signature": signature, "content-type": "application/json" };
  return request("POST", "/webhooks/vtryon", headers, body);
}
