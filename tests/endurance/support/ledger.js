// What was acknowledged, stored, delivered and received, and what of it contradicts the promises: an event that is lost,
// a delivery out of order, an event with two ids. Nothing here asks the gateway, so each check has a test of its own.

const RANKS = { queued: 0, processing: 1, completed: 2, failed: 2 };

export const keyOf = ({ task_id, status }) => `${task_id} ${status}`;

const grouped = (items, keyOf) => [...Map.groupBy(items, keyOf)];

/**
 * Compares what tasks are told to be with what was acknowledged: `acknowledged` are events, `tasks` what the API says
 * of each task, by its id. Returns the events that are lost, and tasks that have gone back.
 */
export function lostEvents(acknowledged, tasks) {
  const faults = [];
  for (const [task_id, events] of grouped(acknowledged, (event) => event.task_id)) {
    const task = tasks.get(task_id);
    const stored = new Set(task?.events.map(({ status }) => status));
    for (const event of events) {
      if (!stored.has(event.status)) faults.push(`${keyOf(event)}: acknowledged, not stored`);
    }
    const reached = Math.max(...events.map(({ status }) => RANKS[status]));
    if (task && RANKS[task.status] < reached) {
      faults.push(`${task_id}: is ${task.status}, less than was acknowledged`);
    }
  }
  return faults;
}

/** Returns what is wrong with the timelines: an event stored twice, or an outcome that its order does not give. */
export function wrongTimelines(tasks) {
  const faults = [];
  for (const [task_id, { status, events }] of tasks) {
    let last = -1;
    for (const event of events.toSorted((a, b) => a.seq - b.seq)) {
      const outcome = RANKS[event.status] > last ? "applied" : "late";
      if (event.outcome !== outcome) faults.push(`${task_id}: ${event.status} ${event.outcome}`);
      last = Math.max(last, RANKS[event.status]);
    }
    if (new Set(events.map((event) => event.status)).size < events.length) {
      faults.push(`${task_id}: an event is stored twice`);
    }
    if (RANKS[status] !== last) faults.push(`${task_id}: is ${status}, but had more`);
  }
  return faults;
}

/**
 * Returns the deliveries that are missing or did not end as they should, of all events that have moved their task:
 * `endpoints` by their id, `{ path, order }`; `deliveries` as the API lists them; `arrivals` as the backend had them.
 */
export function lostDeliveries(tasks, endpoints, deliveries, arrivals) {
  const faults = [];
  const listed = new Map(deliveries.map((each) => [`${each.endpoint} ${keyOf(each)}`, each]));
  const arrived = new Set(arrivals.map((each) => `${each.path} ${keyOf(each)}`));
  for (const [task_id, { events }] of tasks) {
    const applied = events.filter(({ outcome }) => outcome === "applied");
    const last = Math.max(...applied.map(({ seq }) => seq));
    for (const { seq, status } of applied) {
      const key = keyOf({ task_id, status });
      for (const [endpoint, { path, order }] of endpoints) {
        const state = listed.get(`${endpoint} ${key}`)?.state;
        if (state === "superseded" && order === "latest" && seq < last) continue;
        if (state !== "delivered") faults.push(`${path} ${key}: ${state ?? "not enqueued"}`);
        else if (!arrived.has(`${path} ${key}`)) faults.push(`${path} ${key}: never arrived`);
      }
    }
  }
  return faults;
}

/** Returns the arrivals of an event at a path after a newer event of its task: repeats come before that too. */
export function outOfOrder(tasks, arrivals) {
  const faults = [];
  for (const [, sent] of grouped(arrivals, ({ path, task_id }) => `${path} ${task_id}`)) {
    const { path, task_id } = sent[0];
    const seqs = new Map(tasks.get(task_id)?.events.map(({ status, seq }) => [status, seq]));
    let last = 0;
    for (const { status } of sent) {
      const seq = seqs.get(status) ?? Number.NaN;
      if (!(seq >= last)) faults.push(`${path} ${task_id}: ${status} after a newer one`);
      last = Math.max(last, seq);
    }
  }
  return faults;
}

/** Returns the events that were delivered under more than one id, and ids of more than one event. */
export function unstableIds(deliveries, arrivals) {
  const faults = [];
  const seen = [...deliveries, ...arrivals].map((each) => ({
    event: keyOf(each),
    id: each.webhook_id,
  }));
  for (const [one, other] of [
    ["event", "id"],
    ["id", "event"],
  ]) {
    for (const [name, all] of grouped(seen, (each) => each[one])) {
      const others = new Set(all.map((each) => each[other]));
      if (others.size > 1) faults.push(`${name}: ${[...others].join(", ")}`);
    }
  }
  return faults;
}
