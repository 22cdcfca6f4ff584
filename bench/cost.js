// What a million events cost, from operations that are counted while they run:
//     node bench/cost.js
//
// Runs the Worker's build for tests, which counts what the platform bills, on the real runtime. Prints a table and
// writes it to PERFORMANCE.md and bench/results/cost.json. Nothing is timed: what else the machine does is no matter.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { Backend } from "../tests/edge/support/backends/backend.js";
import { Gateway } from "../tests/edge/support/gateway.js";
import { metered, since } from "../tests/edge/support/metering.js";
import { CASES, SHARDS, warmUp } from "./cost/cases.js";
import {
  costTable,
  freePlanTable,
  invocationTable,
  list,
  priced,
  priceTable,
  total,
} from "./cost/price.js";
import { today, versionOf } from "./lib/machine.js";
import { updatePage } from "./lib/performance.js";

/** Runs a case on a gateway and a backend of its own, and counts. */
async function counted({ name, about, bindings, run }) {
  const backend = await Backend.start();
  const gateway = await Gateway.start({
    build: "build-faults",
    bindings: { SHARDS: String(SHARDS), ...bindings?.() },
  });
  try {
    const context = { gateway, backend };
    await warmUp(context);
    const before = await metered(gateway);
    const events = await run(context);
    const billed = since(before, await metered(gateway));
    const operations = priced(billed, events);
    return { name, about, events, billed, operations, total: total(operations) };
  } finally {
    await gateway.stop();
    await backend.stop();
  }
}

const cases = await Promise.all(CASES.map(counted));
const tables = [costTable(cases), priceTable()].join("\n\n");
console.log(`\nPer event, and dollars for a million events:\n\n${tables}\n`);
const [{ name: usual, operations }] = cases;
const free = [freePlanTable(operations), invocationTable()].join("\n\n");
console.log(`What the Free plan carries, "${usual}":\n\n${free}\n`);
for (const { name, events, about } of cases) console.log(`${name}: ${events} events. ${about}`);
writeFileSync(
  path.join(import.meta.dirname, "results/cost.json"),
  `${JSON.stringify({ name: "cost", measured: today(), workerd: versionOf("workerd"), prices: list, cases }, null, 2)}\n`,
);
updatePage();
