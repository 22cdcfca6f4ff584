// What a workload has to reach, and whether it does.
//
// A floor is `{ case, of, over, target, stretch?, floor? }`: `of` divided by `over` is at least `target`;
// `floor` is what holds where the target is not reached. `{ case, of, over, atMost, stretch?, floor? }` is the
// same for what may be at most so much.

import { ratio } from "./statistics.js";

/** How much of a floor has to be there: machines differ, and so do their hashes and parsers. */
const SHARE = 0.85;

/** Returns the floors of what was measured, each with its ratio: `{ label, goal, median, least, most, … }`. */
export function judged({ cases, floors }) {
  return floors.flatMap((floor) => {
    const samples = cases.find((each) => each.case === floor.case)?.samples;
    // A short form leaves out cases and variants.
    if (samples?.[floor.of] === undefined || samples[floor.over] === undefined) return [];
    const isUpper = floor.atMost !== undefined;
    const target = isUpper ? floor.atMost : floor.target;
    const goal = floor.floor ?? target;
    const measured = ratio(samples, floor.of, floor.over);
    const reaches = (value, bound) => (isUpper ? value <= bound : value >= bound);
    return {
      ...floor,
      ...measured,
      label: `${floor.of} / ${floor.over}`,
      target,
      goal,
      sign: isUpper ? "≤" : "≥",
      isReached: reaches(measured.median, target),
      isKept: reaches(measured.median, goal),
      holds: reaches(measured.median, isUpper ? goal / SHARE : goal * SHARE),
    };
  });
}
