// What a crash run does, all of it from one seed: which events are sent in which order, when the runtime is killed and
// how the backends answer. What the runtime makes of it at which moment is up to the machine.

import { random } from "../../support/random.js";

const BEGINNING = ["queued", "processing"];
const ENDS = ["completed", "failed"];

/** How many events wait to be sent at the same time: they go in any order. */
const WINDOW = 90;

/** Of so many events one is sent twice. */
const TWICE = 5;

/** When the runtime is killed, counted from the beginning of a round; each with the least and the most. */
const MOMENTS = [
  ["acknowledgements", 60, 260],
  ["attempts", 20, 160],
  ["milliseconds", 200, 1500],
];

/** How a backend answers in a round. Most rounds are well, or nothing would be delivered in order to be repeated. */
const MOODS = ["ok", "ok", "some fail", "some fail", "fail", "hang", "close"];

/** From this attempt on a backend is well, so that no delivery becomes a dead letter. */
const LAST_FAILURE = 3;

export class Plan {
  #pick;
  #seed;
  #tasks = 0;
  #window = [];

  constructor(seed) {
    this.#seed = seed;
    this.#pick = random(seed);
  }

  /** Returns the next event to send, `{ task_id, status }`: of a new task, unless no task may begin any more. */
  next({ begins }) {
    while (begins && this.#window.length < WINDOW) this.#begin();
    if (this.#window.length === 0) return undefined;
    const [event] = this.#window.splice(this.#pick(this.#window.length), 1);
    return event;
  }

  /** Takes an event back that was not acknowledged: it is sent again later. */
  again(event) {
    this.#window.push(event);
  }

  #begin() {
    const task_id = `crash_${this.#seed}_${this.#tasks++}`;
    for (const status of [...BEGINNING, ENDS[this.#pick(ENDS.length)]]) {
      const copies = this.#pick(TWICE) === 0 ? 2 : 1;
      for (let n = 0; n < copies; n++) this.#window.push({ task_id, status });
    }
  }

  /** Returns when the runtime is killed next, and for each of the paths how its backend answers until then. */
  round(paths) {
    const [what, least, most] = MOMENTS[this.#pick(MOMENTS.length)];
    return {
      kill: { what, count: least + this.#pick(most - least) },
      moods: Object.fromEntries(paths.map((path) => [path, MOODS[this.#pick(MOODS.length)]])),
      /** Whether it is killed once more while it starts, and after how many milliseconds. */
      again: this.#pick(5) === 0 ? this.#pick(300) : undefined,
    };
  }
}

/** Returns how a backend in a mood answers an attempt: a name of `ANSWERS`. */
export function answerOf(mood, { headers }) {
  const attempt = Number(headers["x-vtryon-attempt"]);
  if (attempt > LAST_FAILURE || mood === undefined) return "ok";
  if (mood !== "some fail") return mood;
  // By the event, so that one backend answers different events differently.
  const digit = Number.parseInt(headers["webhook-id"].at(-1), 16);
  return ["fail", "hang", "close"][(digit + attempt) % 16] ?? "ok";
}
