// A crash run: a storm of signed events with deliveries to failing backends, and kill -9 of the runtime at random
// moments. At the end everything that was acknowledged is compared with what is stored, delivered and received.

import { setTimeout as sleep } from "node:timers/promises";
import { ANSWERS, Backend } from "../../edge/support/backends/backend.js";
import { event as bodyOf } from "../../edge/support/client.js";
import { deliveries, faster } from "../../edge/support/deliveries.js";
import { until } from "../../support/wait.js";
import {
  keyOf,
  lostDeliveries,
  lostEvents,
  outOfOrder,
  unstableIds,
  wrongTimelines,
} from "./ledger.js";
import { answerOf, Plan } from "./plan.js";
import { Runtime } from "./runtime.js";

const SENDERS = 16;

/** How much faster the clock of deliveries runs: six attempts within two minutes instead of 24 hours. */
const CLOCK = 1000;

/** The endpoints: one of each order whose backend fails in many rounds, and one that is always well. */
const ENDPOINTS = [
  { path: "/all", order: "all", fails: true },
  { path: "/latest", order: "latest", fails: true },
  { path: "/well", order: "all", fails: false },
];
const FAILING = ENDPOINTS.filter(({ fails }) => fails).map(({ path }) => path);

/** How long a round lasts at most, in ms, where what it counts does not come: a backend that fails gets few attempts. */
const ROUND = 3000;

/** How long the last deliveries may take: the pauses of all retries, scaled, and a pause after each failure. */
const DRAIN = 600_000;
const LOOK_EVERY = 500;

export class CrashRun {
  #plan;
  #gateway;
  #backend;
  #endpoints = new Map();
  /** What this round counts, by the names of the plan. */
  #counts = {};
  #reached = () => {};
  #moods = {};
  #isOver = false;
  /** The events whose acknowledgement was seen since the runtime has started, and all of them by their keys. */
  #latest = [];
  #acknowledged = new Map();
  #faults = { lost: [], "out of order": [], "with two ids": [] };
  kills = 0;
  duplicates = 0;

  /** Starts a gateway and its backends; everything that is random follows from the seed. */
  static async start(seed) {
    const run = new CrashRun();
    run.#plan = new Plan(seed);
    const variables = { RETENTION_HOURS: "87600", ...faster(CLOCK) };
    run.#gateway = await Runtime.start({ build: "build-faults", variables });
    run.#backend = await Backend.start((exchange) => run.#answer(exchange));
    for (const { path, order } of ENDPOINTS) {
      const url = new URL(path, run.#backend.url).href;
      const { id } = await run.#gateway.register(url, { order, timeout_seconds: 1 });
      run.#endpoints.set(id, { path, order });
    }
    return run;
  }

  get gateway() {
    return this.#gateway;
  }

  /** How many different events were acknowledged. */
  get events() {
    return this.#acknowledged.size;
  }

  #answer(exchange) {
    this.#count("attempts");
    ANSWERS[answerOf(this.#moods[exchange.path], exchange)](exchange);
  }

  #count(what) {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
    this.#reached();
  }

  /** Waits until this round has counted so many, or has lasted long enough. */
  async #moment({ what, count }) {
    if (what === "milliseconds") return sleep(count);
    const { promise, resolve } = Promise.withResolvers();
    this.#reached = () => this.#counts[what] >= count && resolve();
    await Promise.race([promise, sleep(ROUND)]);
    this.#reached = () => {};
  }

  /** Sends events until the round is over, or, where no task may begin any more, until all are acknowledged. */
  async #send({ begins }) {
    while (!this.#isOver) {
      const event = this.#plan.next({ begins });
      if (event === undefined) return;
      const answer = await this.#post(event);
      if (answer === 200) this.#acknowledge(event);
      else this.#plan.again(event);
      if (![200, 503, undefined].includes(answer)) throw new Error(`answered ${answer}`);
    }
  }

  /** Posts an event; returns the status of the answer, or nothing where none has come. */
  async #post({ task_id, status }) {
    try {
      const answer = await this.#gateway.post(bodyOf(task_id, status));
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return undefined;
    }
  }

  #acknowledge(event) {
    const key = keyOf(event);
    if (this.#acknowledged.has(key)) this.duplicates += 1;
    this.#acknowledged.set(key, event);
    this.#latest.push(event);
    this.#count("acknowledgements");
  }

  async #storm(options) {
    await Promise.all(Array.from({ length: SENDERS }, () => this.#send(options)));
  }

  /** A storm that ends with a kill, and what was acknowledged in it: it has to be there when the runtime is back. */
  async round() {
    const { kill, moods, again } = this.#plan.round(FAILING);
    this.#moods = moods;
    this.#counts = {};
    this.#isOver = false;
    const storm = this.#storm({ begins: true });
    await Promise.race([this.#moment(kill), storm]);
    // No event is sent any more, but those on their way are cut off.
    this.#isOver = true;
    await this.#kill();
    await storm;
    await this.#gateway.restart();
    if (again !== undefined) {
      await sleep(again);
      await this.#kill();
      await this.#gateway.restart();
    }
    this.#faults.lost.push(...lostEvents(this.#latest, await this.#tasks(this.#latest)));
    this.#latest = [];
  }

  async #kill() {
    await this.#gateway.kill();
    this.kills += 1;
  }

  /** Reads from the API, again where the runtime has closed the connection that was kept. */
  #get(path) {
    return until(() => this.#gateway.api(path).catch(() => undefined));
  }

  #deliveries(query) {
    return deliveries({ api: (path) => this.#get(path) }, query);
  }

  /** Reads the tasks of events, by their ids. */
  async #tasks(events) {
    const ids = [...new Set(events.map(({ task_id }) => task_id))];
    const tasks = new Map();
    const read = async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
        const { status, body } = await this.#get(`/api/tasks/${id}`);
        if (status === 200) tasks.set(id, body);
      }
    };
    await Promise.all(Array.from({ length: SENDERS }, read));
    return tasks;
  }

  /** Lets everything end well, and returns what is wrong: lists of what is lost, out of order or has two ids. */
  async end() {
    this.#moods = {};
    this.#isOver = false;
    await this.#storm({ begins: false });
    const isDone = async () => {
      // A look reads every shard.
      await sleep(LOOK_EVERY);
      return (await this.#deliveries({ state: "pending" })).length === 0;
    };
    await until(isDone, DRAIN);
    const tasks = await this.#tasks([...this.#acknowledged.values()]);

    const listed = await this.#deliveries();
    const arrivals = this.arrivals();
    const { lost } = this.#faults;
    lost.push(...lostEvents(this.#acknowledged.values(), tasks), ...wrongTimelines(tasks));
    lost.push(...lostDeliveries(tasks, this.#endpoints, listed, arrivals));
    lost.push(...this.#altered(arrivals));
    this.#faults["out of order"].push(...outOfOrder(tasks, arrivals));
    this.#faults["with two ids"].push(...unstableIds(listed, arrivals));
    this.states = Object.fromEntries(
      [...Map.groupBy(listed, ({ state }) => state)].map(([state, all]) => [state, all.length]),
    );
    return this.#faults;
  }

  /** Says in two lines what was done and what came of it. */
  summary(faults) {
    const arrivals = this.arrivals();
    const repeats =
      arrivals.length - new Set(arrivals.map((each) => `${each.path} ${keyOf(each)}`)).size;
    const found = Object.entries(faults).map(([what, list]) => `${list.length} ${what}`);
    const states = Object.entries(this.states).map(([state, count]) => `${count} ${state}`);
    return `${this.kills} kills, ${this.events} events acknowledged (and ${this.duplicates} duplicates): ${found.join(", ")}
        deliveries: ${states.join(", ")}; ${arrivals.length} attempts received, ${repeats} of them repeats`;
  }

  /** What the backends have received, in order. */
  arrivals() {
    return this.#backend.received.map(({ path, headers, body }) => {
      const { task_id, status } = JSON.parse(body);
      return { path, task_id, status, webhook_id: headers["webhook-id"], body: String(body) };
    });
  }

  /** Returns the arrivals whose body is not what was sent. */
  #altered(arrivals) {
    return arrivals
      .filter(({ task_id, status, body }) => body !== bodyOf(task_id, status))
      .map((arrival) => `${arrival.path} ${keyOf(arrival)}: another body`);
  }

  async stop() {
    await this.#gateway?.stop();
    await this.#backend?.stop();
  }
}
