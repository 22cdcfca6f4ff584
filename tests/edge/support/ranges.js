// Ranges of deliveries that are replayed: asked for, looked at, awaited.

import { until } from "./gateway.js";

/** Asks for a range, under an idempotency key where one is given. */
export const replay = (gateway, json, key) =>
  gateway.api("/api/replay", { json, headers: key ? { "idempotency-key": key } : {} });

/** Tells how far a range has come: its counts alone. */
async function progress(gateway, id) {
  const { body } = await gateway.api(`/api/replays/${id}`);
  return counts(body);
}

/** Waits until nothing of a range is left to do, and tells how far it has come then. */
export function done(gateway, id) {
  return until(async () => {
    const now = await progress(gateway, id);
    return now.done && now;
  });
}

export function counts({ matched, enqueued, delivered, failed, pending, done }) {
  return { matched, enqueued, delivered, failed, pending, done };
}

/** How far a range has come of which every delivery has arrived. */
export const finished = (delivered) => ({
  matched: delivered,
  enqueued: delivered,
  delivered,
  failed: 0,
  pending: 0,
  done: true,
});
