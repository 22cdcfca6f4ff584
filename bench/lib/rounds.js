// Variants measured in turns, so that whatever else the machine does falls on all of them.
//
// Time goes by in rounds, a round has slots, and in each slot every variant runs once, for some milliseconds,
// in an order that rotates. A round's sample is the least of its slots: what was disturbed is left out, in all
// variants alike.

/** The clock unless a variant has its own, in microseconds. */
const wall = () => performance.now() * 1000;

/**
 * Measures variants: `{ name, run(n), clock?() }`. `run` does its work n times and may be async; `clock` says
 * what was used so far, in any unit, by default time in microseconds. Each runs for `warmUpMs` before anything
 * counts, so that its code is compiled.
 *
 * Returns `{ [name]: number[] }`: for each variant one sample per round, the clock's units per operation.
 */
export async function interleave(
  variants,
  { rounds = 9, slots = 6, slotMs = 3, warmUpMs = 300 } = {},
) {
  const entries = [];
  for (const variant of variants) {
    entries.push({ ...variant, batch: await calibrate(variant, slotMs, warmUpMs), samples: [] });
  }
  for (let round = 0; round < rounds; round += 1) {
    const least = new Map(entries.map((entry) => [entry, Number.POSITIVE_INFINITY]));
    for (let slot = 0; slot < slots; slot += 1) {
      for (const entry of rotated(entries, round * slots + slot)) {
        const cost = await measure(entry, entry.batch);
        least.set(entry, Math.min(least.get(entry), cost));
      }
    }
    for (const [entry, cost] of least) entry.samples.push(cost);
  }
  return Object.fromEntries(entries.map(({ name, samples }) => [name, samples]));
}

/** Returns how many operations take about as long as a slot. */
async function calibrate({ run }, slotMs, warmUpMs) {
  const begun = performance.now();
  let batch = 1;
  let took = await time(run, batch);
  while (took < slotMs || performance.now() - begun < warmUpMs) {
    // At most twice as many: the first runs are slow, and say little of the later ones.
    if (took < slotMs) batch = Math.max(batch + 1, Math.min(batch * 2, guess(batch, took, slotMs)));
    else batch = Math.max(1, guess(batch, took, slotMs));
    took = await time(run, batch);
  }
  return Math.max(1, guess(batch, took, slotMs));
}

const guess = (batch, took, slotMs) => Math.round((batch * slotMs) / Math.max(took, 0.001));

async function time(run, batch) {
  const begun = performance.now();
  await run(batch);
  return performance.now() - begun;
}

async function measure({ run, clock = wall }, batch) {
  const before = await clock();
  const running = run(batch);
  // What is synchronous is not made to wait.
  if (running instanceof Promise) await running;
  return ((await clock()) - before) / batch;
}

const rotated = (list, by) => list.map((_, nth) => list[(nth + by) % list.length]);
