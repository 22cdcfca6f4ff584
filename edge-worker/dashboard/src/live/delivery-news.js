// What live updates say of a list of deliveries: which of its rows have changed, and which deliveries it lacks.

/** How many deliveries are counted that a list lacks; beyond that there are more. */
export const MOST_LACKING = 1000;

/** How many endpoints an event may have deliveries to: of the engine, where deliveries are numbered by both. */
const ENDPOINT_NUMBERS = 65_536;

/** Returns the shard of a delivery, its number there, the number of its event, and its endpoint. */
export function partsOf(id) {
  const [, shard, no] = id.split("_").map(Number);
  const seq = Math.floor(no / ENDPOINT_NUMBERS);
  return { shard, no, seq, endpoint: `ep_${no % ENDPOINT_NUMBERS}` };
}

/**
 * Sorts what has come by a list. `rows` are its deliveries, `complete` says that it has all there are, `filter` is what
 * it was loaded by, and `lacking` has the ids that it lacked before; those that it has now are no longer counted. `begun`
 * has, for shards, the number of the first event that came since it was loaded; this adds to it. Returns the latest state
 * of each row that was attempted, by its id, what the list lacks now, and the ids of rows that are `unsure`: they were
 * pending, and may have ended before their shard was ready for the first time, of which no hint comes.
 */
export function newsOf(messages, { rows, complete, filter, lacking, begun }) {
  const shown = new Set(rows.map(({ id }) => id));
  const reach = reachOf(rows);
  const states = new Map();
  const missing = new Set([...lacking].filter((id) => !shown.has(id)));
  const ready = new Set();
  for (const message of messages) {
    if (message.type === "event" && !begun.has(message.shard)) {
      begun.set(message.shard, message.seq);
    }
    if (message.type === "ready" && !message.resumed) ready.add(message.shard);
    if (message.type !== "delivery") continue;
    const { delivery: id, state } = message;
    if (shown.has(id)) {
      states.set(id, state);
    } else if (!isWanted(id, state, filter)) {
      missing.delete(id);
    } else if (missing.size < MOST_LACKING && (complete || isInReach(id, reach, begun))) {
      missing.add(id);
    }
  }
  const isUnsure = ({ id, state }) => state === "pending" && ready.has(partsOf(id).shard);
  return { states, lacking: missing, unsure: rows.filter(isUnsure).map(({ id }) => id) };
}

function isWanted(id, state, filter) {
  if (filter.state !== "" && filter.state !== state) return false;
  return filter.endpoint === "" || filter.endpoint === partsOf(id).endpoint;
}

/** Returns the oldest delivery of each shard that a list has: what is older is beyond its end, and no news. */
function reachOf(rows) {
  const reach = new Map();
  for (const { id } of rows) {
    const { shard, no } = partsOf(id);
    reach.set(shard, Math.min(no, reach.get(shard) ?? no));
  }
  return reach;
}

function isInReach(id, reach, begun) {
  const { shard, no, seq } = partsOf(id);
  if (reach.has(shard)) return no > reach.get(shard);
  return begun.has(shard) && seq >= begun.get(shard);
}
