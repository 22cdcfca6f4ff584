// Runs the measurements of timing, and judges each by its statistic t: verification must not be told apart by its time,
// the controls must be. `make timing` builds the program and calls this.

import { spawnSync } from "node:child_process";
import path from "node:path";

const PROGRAM = path.join(import.meta.dirname, "../../target/constant-time/release/timing");
/** Beyond it dudect calls a function leaky. Of equal times, half a million samples give less than 5. */
const LEAKY = 10;
/** A machine that is disturbed may look leaky once. What leaks does so each time, as the controls do. */
const TRIES = 3;
const LINE = /^bench (\w+) +\.\.\. : n == \+([\d.]+)M, max t = ([+-][\d.]+)/gm;

/** Measures those whose name contains a text. */
function measure(filter) {
  const done = spawnSync(PROGRAM, ["--filter", filter], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`timing ended with ${done.status}: ${done.stderr}`);
  return [...done.stdout.matchAll(LINE)].map(([, name, millions, t]) => {
    return { name, samples: Math.round(Number(millions) * 1e6), t: Math.abs(Number(t)) };
  });
}

const isControl = ({ name }) => name.startsWith("leak_");
const isRight = (measured) => measured.t > LEAKY === isControl(measured);

const first = measure("");
if (!first.some(isControl) || first.every(isControl)) throw new Error("nothing was measured");
for (const measured of first) {
  let last = measured;
  for (let tries = 1; tries < TRIES && !isRight(last); tries++) [last] = measure(measured.name);
  const verdict = last.t > LEAKY ? "leaks" : "even";
  const mark = isRight(last) ? "ok    " : "FAILED";
  console.log(
    `${mark}  ${last.name.padEnd(28)}  ${verdict.padEnd(5)}  |t| = ${last.t.toFixed(1)}, ${last.samples} samples`,
  );
  if (!isRight(last)) process.exitCode = 1;
}
