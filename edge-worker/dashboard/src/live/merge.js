// What is known of tasks from several sources, merged: pages of a listing, snapshots, events of any age.

/** How many tasks are remembered; those without an event for the longest time go. */
const MOST_TASKS = 2000;

/** Returns the later of two views of a task. */
function newer(view, known) {
  if (known === undefined) return view;
  const later = view.seq >= known.seq ? view : known;
  // A duplicate is counted and changes nothing else.
  return { ...later, duplicates: Math.max(view.duplicates, known.duplicates) };
}

/** The states of the tasks that live updates are about. */
export class TaskStates {
  #tasks = new Map();

  /** How many states were taken, and up to which of them one may have been forgotten. */
  taken = 0;
  forgottenTo = 0;

  /** Takes a message; returns whether the state of a task has changed. */
  take(message) {
    if (message.type === "gap") return this.#forgetShard(message.shard);
    const tasks = message.type === "snapshot" ? message.tasks : [message.task];
    return tasks.filter((task) => task && this.#keep(message.shard, task)).length > 0;
  }

  /**
   * Lays what is known here over a listing, the latest task first. Tasks that the listing lacks are added as far
   * back as it goes, or all where it is `complete`; what does not match is left out.
   */
  over(listed, { matches = () => true, complete = false } = {}) {
    const shown = new Map(listed.map((task) => [task.task_id, task]));
    const oldest = complete ? undefined : listed.at(-1)?.created_at;
    const isInReach = (task) => oldest === undefined || task.created_at >= oldest;
    for (const { task } of this.#tasks.values()) {
      if (shown.has(task.task_id) || isInReach(task)) {
        shown.set(task.task_id, newer(task, shown.get(task.task_id)));
      }
    }
    const byCreation = (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at);
    return [...shown.values()].filter(matches).sort(byCreation);
  }

  /** Forgets a task that was erased: nothing more comes of it. */
  forget(taskId) {
    this.#tasks.delete(taskId);
  }

  /** The ids of the tasks of a shard. */
  idsOf(shard) {
    const tasks = [...this.#tasks].filter(([, entry]) => entry.shard === shard);
    return tasks.map(([id]) => id);
  }

  #keep(shard, task) {
    const known = this.#tasks.get(task.task_id)?.task;
    const latest = newer(task, known);
    // Last in the map: it had the latest event.
    this.#tasks.delete(task.task_id);
    this.taken += 1;
    this.#tasks.set(task.task_id, { shard, task: latest, nth: this.taken });
    if (this.#tasks.size > MOST_TASKS) {
      const [[id, { nth }]] = this.#tasks;
      this.#tasks.delete(id);
      this.forgottenTo = nth;
    }
    return known === undefined || latest.seq !== known.seq;
  }

  /** After a gap the numbers of a shard may begin anew: what it said before is no measure any more. */
  #forgetShard(shard) {
    const size = this.#tasks.size;
    for (const [id, entry] of this.#tasks) if (entry.shard === shard) this.#tasks.delete(id);
    return this.#tasks.size < size;
  }
}

/** Puts an event into a list of them, the latest first and each once, whatever order shards tell them in. */
export function withEvent(events, message, most) {
  const isSame = (event) => event.shard === message.shard && event.seq === message.seq;
  if (events.some(isSame)) return events;
  const at = Date.parse(message.received_at);
  const before = events.findIndex((event) => Date.parse(event.received_at) <= at);
  const place = before === -1 ? events.length : before;
  return events.toSpliced(place, 0, message).slice(0, most);
}

/** Returns a task with its timeline as it is after a message of its own stream. */
export function withMessage(task, message) {
  if (message.type === "snapshot") return message.task ?? task;
  if (message.type !== "event" || !message.task) return task;
  const events = task?.events ?? [];
  const latest = newer(message.task, task);
  if (events.some(({ seq }) => seq === message.seq)) return { ...latest, events };
  const { seq, event, status, outcome, received_at, key } = message;
  const entry = { seq, event, status, outcome, received_at, key };
  return { ...latest, events: [...events, entry].sort((a, b) => a.seq - b.seq) };
}
