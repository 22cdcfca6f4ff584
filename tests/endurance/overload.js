// Ten times as much as the gateway can take, in two forms: ten times as many senders as keep it busy, each of which waits
// for its answer; and a burst of ten times as many events as it can store in that time, which nobody waits before. What is
// answered, how long until events are answered in time again, and whether all that was acknowledged is there.
//     node tests/endurance/overload.js
//
// Environment: LASTS (10, the seconds that the senders go on), BURST (1, those of the burst), TIMES (10), RECOVERY (10,
// the seconds that it may take after the senders have stopped).

import { setTimeout as sleep } from "node:timers/promises";
import { closedLoop, request, withConnections } from "../../bench/gateway/client.js";
import { posted } from "../../bench/gateway/events.js";
import { median } from "../../bench/lib/statistics.js";
import { SECRET, TOKEN } from "../edge/support/client.js";
import { judge, positive, say } from "./support/cli.js";
import { atRate, Pool, Tally } from "./support/load.js";
import { Runtime } from "./support/runtime.js";

const lasts = positive("LASTS", 10);
const burst = positive("BURST", 1);
const times = positive("TIMES", 10);
const recovery = positive("RECOVERY", 10);

const SHARDS = 4;
/** How many senders keep the gateway busy, and for how many milliseconds that is measured, after as many to warm up. */
const SENDERS = 8;
const MEASURED = 5000;
/** How long a sender waits for its answer, in milliseconds. */
const PATIENCE = 60_000;
/** It has recovered when so many events in a row are each answered within so many times what they took before. */
const IN_A_ROW = 20;
const SLOWER = 5;
/** How long is waited for that at most, in seconds. */
const GIVE_UP = 120;

const event = (name, nth) => posted(`${name}_${nth}`, "queued", SECRET);
const events = (name, count) => Array.from({ length: count }, (_, nth) => event(name, nth));

/** Measures what one event takes while nothing else happens, in milliseconds. */
const alone = ({ port }) =>
  withConnections(port, 1, async (connections) =>
    median(await closedLoop(connections, events("alone", 200))),
  );

/**
 * Sends events, each over a connection of its own: those that are kept and always have a next request keep the runtime
 * from reading others. Notes what was acknowledged, and what the answers were.
 */
class Senders {
  #port;
  #name;
  #sent = 0;
  tally = new Tally();
  acknowledged = [];

  constructor({ port }, name) {
    this.#port = port;
    this.#name = name;
  }

  async send() {
    const nth = this.#sent++;
    const pool = new Pool(this.#port, { patience: PATIENCE });
    const begun = performance.now();
    const { status, head } = await pool.ask(event(this.#name, nth));
    pool.close();
    const retry =
      status === 503 && !/^retry-after: \d+\r$/im.test(head) ? " without Retry-After" : "";
    this.tally.count(`${status}${retry}`, performance.now() - begun);
    if (status === 200) this.acknowledged.push(`${this.#name}_${nth}`);
  }

  /** So many at the same time, each of which sends its next event when it was answered. */
  async closed(count, millis) {
    const end = performance.now() + millis;
    const sender = async () => {
      while (performance.now() < end) await this.send();
    };
    const senders = Array.from({ length: count }, sender);
    await sleep(millis);
    return Promise.all(senders);
  }

  /** So many a second, whether they are answered or not; the promise of all answers is in the result. */
  async open(rate, millis) {
    const asked = [];
    await atRate(rate, millis, () => asked.push(this.send()));
    return { answered: Promise.all(asked) };
  }
}

/** Measures how many events a second are acknowledged where each sender waits for its answer. */
async function capacityOf(runtime) {
  await new Senders(runtime, "warm").closed(SENDERS, MEASURED);
  const senders = new Senders(runtime, "capacity");
  const begun = performance.now();
  await senders.closed(SENDERS, MEASURED);
  return (senders.acknowledged.length / (performance.now() - begun)) * 1000;
}

/** Waits until events are answered as fast as before; returns how long that took since a time, in seconds. */
async function recovered(runtime, since, usual) {
  const pool = new Pool(runtime.port, { patience: PATIENCE });
  let good = 0;
  let first;
  for (let nth = 0; performance.now() - since < GIVE_UP * 1000; nth++) {
    const begun = performance.now();
    const { status } = await pool.ask(event("after", nth));
    const isGood = status === 200 && performance.now() - begun < usual * SLOWER;
    good = isGood ? good + 1 : 0;
    if (good === 1) first = begun;
    if (good === IN_A_ROW) {
      pool.close();
      return (first - since) / 1000;
    }
    await sleep(20);
  }
  pool.close();
  return Number.POSITIVE_INFINITY;
}

/** Returns the tasks that can't be read. */
async function missing({ port }, ids) {
  const left = [...ids];
  const lost = [];
  const read = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const pool = new Pool(port, { patience: PATIENCE });
      const asked = request("GET", `/api/tasks/${id}`, { authorization: `Bearer ${TOKEN}` });
      if ((await pool.ask(asked)).status !== 200) lost.push(id);
      pool.close();
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, read));
  return lost;
}

/** Prints what came of senders, and returns what is judged of it. */
async function judged(runtime, name, { tally, acknowledged }) {
  say(
    `${name}: ${tally}; answered in ${tally.quantile(0.5)} in the median, 99 % within ${tally.quantile(0.99)}`,
  );
  const lost = await missing(runtime, acknowledged);
  const others = Object.keys(tally.answers).filter((answer) => !["200", "503"].includes(answer));
  return [
    [
      `${name}: other answers than 200 and 503 with Retry-After`,
      others.join(", ") || "none",
      others.length === 0,
      "none",
    ],
    [
      `${name}: of ${acknowledged.length} acknowledged events, lost`,
      lost.length,
      lost.length === 0,
      "0",
    ],
  ];
}

console.log(`make overload LASTS=${lasts} BURST=${burst} TIMES=${times} RECOVERY=${recovery}`);
const runtime = await Runtime.start({ shards: SHARDS });
try {
  const capacity = await capacityOf(runtime);
  const usual = await alone(runtime);
  say(
    `${SENDERS} senders keep it busy: ${capacity.toFixed(0)} events a second; one alone takes ${usual.toFixed(1)} ms`,
  );

  const many = new Senders(runtime, "senders");
  const stopped = performance.now() + lasts * 1000;
  const over = many.closed(SENDERS * times, lasts * 1000);
  await sleep(lasts * 1000);
  const after = await recovered(runtime, stopped, usual);
  await over;
  const rows = await judged(runtime, `${SENDERS * times} senders for ${lasts} s`, many);
  rows.push([
    "seconds until events are answered as fast as before",
    after.toFixed(1),
    after <= recovery,
    `at most ${recovery}`,
  ]);

  const flood = new Senders(runtime, "burst");
  const { answered } = await flood.open(capacity * times, burst * 1000);
  const ended = performance.now();
  const late = await recovered(runtime, ended, usual);
  await answered;
  rows.push(...(await judged(runtime, `a burst of ${burst} s`, flood)));
  say(
    `after the burst, events were answered as fast as before in ${late.toFixed(1)} s: it had to store all that it was sent`,
  );
  judge(rows);
} finally {
  await runtime.stop();
}
