// What a system loses when all its processes are killed again and again under load.

import { setTimeout as sleep } from "node:timers/promises";
import { saturate } from "./load.js";
import { PATIENCE } from "./measure.js";

/** When a system is killed after it was started, in milliseconds. */
const SOONEST = 500;
const LATEST = 2500;
/** From when on a delivery is late, in milliseconds after the acknowledgement. */
const LATE = 5000;

/**
 * Kills a system so often at random moments of a saturating load, and starts it anew at once. An event that was not
 * acknowledged is posted again, as Vtryon does. Returns how many events were acknowledged, and what became of them.
 */
export async function losses({ title, system, plan }, backend, { kills, random, say }) {
  /** When each event was acknowledged first, by its key. */
  const acknowledged = new Map();
  const note = (posts) => {
    for (const post of posts) {
      if (post.status !== 200) plan.again.push(post);
      else if (!acknowledged.has(post.key)) acknowledged.set(post.key, post.answered);
    }
  };
  for (let kill = 1; kill <= kills; kill += 1) {
    let isOver = false;
    const load = saturate(
      () => system.port,
      plan,
      () => isOver,
    );
    await sleep(SOONEST + random() * (LATEST - SOONEST));
    isOver = true;
    await system.kill();
    note(await load);
    await system.restart();
    say(`${title}: ${kill} kills, ${acknowledged.size} events acknowledged`);
  }
  while (plan.again.length > 0) {
    note(
      await saturate(
        () => system.port,
        plan,
        () => plan.again.length === 0,
      ),
    );
  }
  const lost = await backend.waitFor([...acknowledged.keys()], PATIENCE);
  const arrivals = [...acknowledged].flatMap(([key, answered]) => {
    const times = backend.arrivals.get(key);
    return times ? { times, waited: times[0] - answered } : [];
  });
  return {
    kills,
    acknowledged: acknowledged.size,
    lost: lost.length,
    twice: arrivals.filter(({ times }) => times.length > 1).length,
    late: arrivals.filter(({ waited }) => waited > LATE).length,
    slowest: arrivals.reduce((most, { waited }) => Math.max(most, waited), 0) / 1000,
  };
}
