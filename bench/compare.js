// Measures this build of the Worker beside another one, in turns:
//     node bench/compare.js FOLDER [--build FOLDER] [--rounds N]
//
// FOLDER has the other build, for example edge-worker/build of another commit; --build is for this one, by default
// edge-worker/build. Prints the processor time of a refusal and of an acknowledgement in both, and fails where this
// build takes over 10 % more than the other one.

import { parseArgs } from "node:util";
import { fresh, posted } from "./gateway/events.js";
import { startGateway } from "./gateway/gateway.js";
import { inTurns } from "./gateway/turns.js";
import { median, ratio } from "./lib/statistics.js";
import { figure } from "./lib/table.js";

const MOST = 1.1;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "9" }, build: { type: "string" } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error("usage: node bench/compare.js FOLDER [--build FOLDER] [--rounds N]");
  process.exit(1);
}
const rounds = Number(values.rounds);

const wrong = posted("bench_wrong", "processing", "whsec_of_another");
const CASES = [
  {
    name: "refusal",
    shards: 1,
    requests: (count) => Array.from({ length: count }, () => wrong),
    how: { expected: 401, rounds },
  },
  {
    name: "acknowledgement",
    shards: 16,
    requests: (count) => fresh(count),
    how: { rounds, slot: 100 },
  },
];

for (const { name, shards, requests, how } of CASES) {
  const workers = {};
  try {
    workers.this = await startGateway({ shards, build: values.build });
    workers.other = await startGateway({ shards, build: folder });
    const { cpu } = await inTurns(workers, requests, how);
    const { median: times, least, most } = ratio(cpu, "this", "other");
    const [ours, theirs] = [cpu.this, cpu.other].map((samples) => figure(median(samples)));
    console.log(
      `${name}: ${theirs} → ${ours} µs of CPU, ${figure(times)} times (${figure(least)} to ${figure(most)})`,
    );
    if (times > MOST) process.exitCode = 1;
  } finally {
    for (const worker of Object.values(workers)) await worker.stop();
  }
}
