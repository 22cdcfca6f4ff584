// Compares the gateway as a whole with what people would build instead:
//     node bench/systems.js
//
// Environment: ROUNDS (5), SECONDS that each load lasts (10), RATES in events a second besides saturation ("50,200,400"),
// SYSTEMS ("ours,worker,postgres,redis,memory"), OURS (another checkout, with its Worker built, measured beside this one).

import { env } from "node:process";
import { Backend } from "./systems/backend.js";
import { compare } from "./systems/comparison.js";
import { chosen } from "./systems/systems.js";
import { ratioTable, systemsTable } from "./systems/table.js";

const backend = await Backend.start();
try {
  const result = await compare(chosen(env), backend, {
    rounds: Number(env.ROUNDS || 5),
    seconds: Number(env.SECONDS || 10),
    loads: ["saturation", ...(env.RATES ?? "50,200,400").split(",").filter(Boolean)],
    say: console.log,
  });
  console.log(`\n${systemsTable(result)}\n`);
  if (result.systems.length > 1) console.log(`${ratioTable(result)}\n`);
} finally {
  backend.stop();
}
