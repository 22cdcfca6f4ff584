// Kills the runtime again and again under a storm of events, and counts what is lost:
//     node tests/endurance/crash.js
//
// Environment: SEED (a random one, which the run prints), KILLS (100) and EVENTS (10000), of both at least so many.

import { positive, say } from "./support/cli.js";
import { CrashRun } from "./support/crash.js";

const seed = positive("SEED", 1 + Math.floor(Math.random() * 1e9));
const kills = positive("KILLS", 100);
const events = positive("EVENTS", 10_000);
const TELL_EVERY = 10;

console.log(`make crash SEED=${seed} KILLS=${kills} EVENTS=${events}`);
const run = await CrashRun.start(seed);
try {
  for (let nth = 1; run.kills < kills || run.events < events; nth++) {
    await run.round();
    if (nth % TELL_EVERY === 0) say(`${run.kills} kills, ${run.events} events acknowledged`);
  }
  say(`${run.kills} kills, ${run.events} events acknowledged; waiting for the last deliveries`);
  const faults = await run.end();
  say(run.summary(faults));
  for (const [what, list] of Object.entries(faults)) {
    for (const fault of list.slice(0, 20)) console.error(`  ${what}: ${fault}`);
    if (list.length > 0) process.exitCode = 1;
  }
} finally {
  await run.stop();
}
