// What the platform bills, as the build for tests counts it: read from a running gateway, and compared.

/** What is counted, by the names that `metering.rs` gives it. */
const NONE = {
  request: 0,
  shard_request: 0,
  directory_request: 0,
  socket_message: 0,
  alarm_set: 0,
  alarm_run: 0,
  kv_read: 0,
  kv_write: 0,
  rows_read: 0,
  rows_written: 0,
};

/** Returns what was counted since the runtime has started; to ask is not counted. */
export async function metered(gateway) {
  const answer = await fetch(gateway.url, { headers: { "x-fault": "metering" } });
  if (answer.status !== 200) throw new Error(`no counts: ${answer.status}`);
  return { ...NONE, ...(await answer.json()) };
}

/** Returns how much higher counts are than earlier ones. */
export function since(earlier, later) {
  return Object.fromEntries(
    Object.entries(later).map(([item, count]) => [item, count - earlier[item]]),
  );
}

/** The rows written: an alarm that is set is one too. */
export const rows = ({ rows_written, alarm_set }) => rows_written + alarm_set;
