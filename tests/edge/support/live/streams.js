// The streams of live updates that an administrator has, and opening them for the time of a test.

import { TRANSPORTS, view } from "./subscriber.js";

/** The path of a task's stream. */
export const live = (id) => `/api/tasks/${encodeURIComponent(id)}/live`;

/** Every stream that tells of a shard: its transport, what it is of, its path by the task that is watched, and the shards that it tells of. */
export function streams(shard, shards) {
  const all = Array.from({ length: shards }, (_, nth) => nth);
  const paths = [
    { what: "all shards", path: () => "/api/live", shards: all },
    { what: "one shard", path: () => `/api/live/${shard}`, shards: [shard] },
    { what: "one task", path: live, shards: [shard], ofTask: true },
  ];
  return TRANSPORTS.flatMap((transport) => paths.map((path) => ({ transport, ...path })));
}

/** Opens a stream that the end of the test closes. */
export async function opened(t, ...request) {
  const subscriber = await view(...request);
  t.after(() => subscriber.cut());
  return subscriber;
}

/** Opens one and waits until all is sent that was stored before. */
export async function ready(t, transport, gateway, path, { shards = [0], ...options } = {}) {
  const subscriber = await opened(t, transport, gateway, path, options);
  await subscriber.holds(() => subscriber.all("ready").length === shards.length);
  return subscriber;
}
