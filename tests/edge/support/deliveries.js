// What the API tells of deliveries, for tests that wait for what becomes of them.

import { createHash } from "node:crypto";
import { until } from "./gateway.js";

/** Returns the deliveries that a query finds, all pages of them, those of the latest events first. */
export async function deliveries(gateway, query = {}) {
  const found = [];
  let cursor;
  do {
    const search = new URLSearchParams(cursor ? { ...query, cursor } : query);
    const { status, body } = await gateway.api(`/api/deliveries?${search}`);
    if (status !== 200) throw new Error(`not listed: ${status} ${JSON.stringify(body)}`);
    found.push(...body.deliveries);
    cursor = body.cursor;
  } while (cursor);
  return found;
}

/** Waits until the one delivery that a query finds is as it should be, and returns it with all its attempts. */
export function delivery(gateway, query, is = ({ state }) => state !== "pending") {
  return until(async () => {
    const [found] = await deliveries(gateway, query);
    if (found === undefined) return undefined;
    const { body } = await gateway.api(`/api/deliveries/${found.id}`);
    return is(body) && body;
  });
}

/** Tells whether an attempt was made, whatever came of it. */
export const attempted = ({ attempts }) => attempts.length > 0;

/** Posts events and insists on their 200. */
export async function acknowledged(gateway, ...bodies) {
  const answers = await Promise.all(bodies.map((body) => gateway.post(body)));
  const wrong = answers.find(({ status }) => status !== 200);
  if (wrong) throw new Error(`not acknowledged: ${wrong.status}`);
}

/** The body of an event by a name of its own: an endpoint that takes that name alone gets nothing else. */
export const named = (name, task_id = `task_${name}`) => JSON.stringify({ event: name, task_id });

/** Registers an endpoint for each name, at a path of that name, and has the event of each name delivered to it. */
export async function deliverEach(gateway, backend, names) {
  for (const name of names) {
    await gateway.register(new URL(`/${name}`, backend.url).href, { events: [name] });
  }
  await acknowledged(gateway, ...names.map((name) => named(name)));
}

/** An id of a task that belongs to a shard: the first 8 bytes of its SHA-256, modulo their number. */
export function taskOf(shard, shards, prefix) {
  for (let n = 0; ; n++) {
    const id = `${prefix}_${n}`;
    const head = createHash("sha256").update(id).digest().readBigUInt64BE();
    if (head % BigInt(shards) === BigInt(shard)) return id;
  }
}

/** A clock that runs so many times faster from now on. */
export const faster = (scale) => ({ CLOCK_SCALE: String(scale), CLOCK_FROM: String(Date.now()) });

/** A clock that is ahead by some hours, and runs at twice the speed: for a restart that skips them. */
export const ahead = (hours) => ({
  CLOCK_SCALE: "2",
  CLOCK_FROM: String(Date.now() - hours * 3_600_000),
});
