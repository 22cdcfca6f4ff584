// What idle connections and slow clients cost good events: a gateway with a crowd of them beside one without, in turns.
//     node tests/endurance/slow-clients.js
//
// Environment: IDLE (1000 connections that send nothing), SLOW (150 slow clients), ROUNDS (9), FACTOR (2, how many times
// as long the median good event may take).

import { posted } from "../../bench/gateway/events.js";
import { inTurns } from "../../bench/gateway/turns.js";
import { ratio } from "../../bench/lib/statistics.js";
import { SECRET } from "../edge/support/client.js";
import { until } from "../support/wait.js";
import { judge, positive, say } from "./support/cli.js";
import { IdleClients } from "./support/idle-clients.js";
import { Runtime } from "./support/runtime.js";

const idle = positive("IDLE", 1000);
const slow = positive("SLOW", 150);
const rounds = positive("ROUNDS", 9);
const factor = positive("FACTOR", 2);

const third = Math.round(slow / 3);
const COUNTS = { idle, "slow head": third, "slow body": third, "slow reader": slow - 2 * third };
/** Some of the crowd are always about to come back. */
const ENOUGH = 0.9 * (idle + slow);
const [ALONE, CROWDED] = ["alone", "with the crowd"];

console.log(`make slow-clients IDLE=${idle} SLOW=${slow} ROUNDS=${rounds} FACTOR=${factor}`);
const gateways = { [ALONE]: await Runtime.start(), [CROWDED]: await Runtime.start() };
const clients = new IdleClients(gateways[CROWDED].port, COUNTS);
try {
  await until(() => clients.size >= ENOUGH);
  let task = 0;
  const events = (count) =>
    Array.from({ length: count }, () => posted(`good_${task++}`, "queued", SECRET));
  // Each answer has to be 200.
  const samples = await inTurns(gateways, events, { rounds });
  const { size } = clients;
  say(
    `${rounds} rounds; of the crowd there were ${size} connections at the end, opened since the start: ${JSON.stringify(clients.opened)}`,
  );
  const rows = ["cpu", "p50", "p99"].map((name) => {
    const { median, least, most } = ratio(samples[name], CROWDED, ALONE);
    return {
      name,
      median,
      text: `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
    };
  });
  for (const { name, text } of rows) console.log(`  ${name} of a good event: ${text} times`);
  const { median } = rows.find(({ name }) => name === "p50");
  judge([
    [
      "median time until the 200",
      `${median.toFixed(2)} times`,
      median <= factor,
      `at most ${factor}`,
    ],
    ["connections of the crowd at the end", size, size >= ENOUGH, `at least ${ENOUGH}`],
  ]);
} finally {
  clients.stop();
  for (const gateway of Object.values(gateways)) await gateway.stop();
}
