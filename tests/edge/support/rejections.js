// What the API tells of rejected requests, for tests that wait until they were counted.

import { until } from "./gateway.js";

/** Waits until so many were counted by a code, and by a path where one is given; returns what is told of them. */
export function counted(gateway, code, count = 1, path = undefined) {
  return until(async () => {
    const { rejections } = (await gateway.api("/api/rejections")).body;
    const isMeant = (seen) => seen.code === code && (path === undefined || seen.path === path);
    return rejections.find((seen) => isMeant(seen) && seen.count >= count);
  });
}
