// A steady load for long, with live clients, deliveries and refused requests: does the runtime's memory grow?
//     node tests/endurance/soak.js
//
// Environment: MINUTES (30), RATE (10 requests a second), LIMIT (the growth that fails it, in MiB an hour).

import { createServer } from "node:http";
import { posted } from "../../bench/gateway/events.js";
import { SECRET } from "../edge/support/client.js";
import { until } from "../support/wait.js";
import { judge, positive, say } from "./support/cli.js";
import { LiveClient } from "./support/live-client.js";
import { atRate, Pool, Tally } from "./support/load.js";
import { fit, memoryOf } from "./support/memory.js";
import { Runtime } from "./support/runtime.js";

const minutes = positive("MINUTES", 30);
const rate = positive("RATE", 10);
const limit = positive("LIMIT", 30);

/** The first third warms up: caches fill, code is compiled, the heap finds its size. */
const WARM_UP = minutes / 3;
const SAMPLE_EVERY = 2000;
const TELL_EVERY = 60_000;

/** Each shard has streams of its own, and some clients follow all of them. */
const SHARDS = 4;
const ALL = Array.from({ length: SHARDS }, (_, nth) => nth);
/** Each path with the shards that its stream is of. */
const STREAMS = [
  ["/api/live", ALL],
  ["/api/live", ALL],
  ["/api/live/0", [0]],
  ["/api/live/1", [1]],
  ["/api/live/2", [2]],
];
const CLIENTS = 20;
/** How often one of the clients is cut off, in milliseconds. */
const CUT_EVERY = 3000;

const STATUSES = ["queued", "processing", "completed"];
/** How many tasks begin before one has its next event. */
const APART = 40;
/** Of so many requests one is not signed by the secret, and one is sent twice. */
const FORGED = 50;
const TWICE = 20;
/** Of so many attempts one fails at the endpoint that is not always well. */
const FAILS = 10;

/** A backend that remembers nothing. */
async function startBackend() {
  let attempts = 0;
  const server = createServer((request, response) => {
    attempts += 1;
    const fails = request.url === "/failing" && attempts % FAILS === 0;
    request.resume().on("end", () => response.writeHead(fails ? 500 : 200).end());
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  return { server, url: (path) => `http://127.0.0.1:${port}${path}`, attempts: () => attempts };
}

/** The nth request: tasks overlap, and each has its three events. */
function request(nth) {
  if (nth % FORGED === 0)
    return { bytes: posted(`forged_${nth}`, "queued", "wrong"), expected: 401 };
  const step = nth % STATUSES.length;
  const task = Math.floor(nth / STATUSES.length) - step * APART;
  return { bytes: posted(`soak_${task}`, STATUSES[step], SECRET), expected: 200 };
}

console.log(`make soak MINUTES=${minutes} RATE=${rate} LIMIT=${limit}`);
const runtime = await Runtime.start({ shards: SHARDS });
const backend = await startBackend();
await runtime.register(backend.url("/well"), { order: "all" });
await runtime.register(backend.url("/failing"), { order: "latest" });
const followers = Array.from({ length: CLIENTS }, (_, nth) => {
  const [path, shards] = STREAMS[nth % STREAMS.length];
  return { client: new LiveClient(runtime, path), shards };
});
const clients = followers.map(({ client }) => client);

/** Returns which shards' last event, by what any client had, a client has not had. */
function behind() {
  const last = (shard) => Math.max(...clients.map((client) => client.last.get(shard) ?? 0));
  return followers.flatMap(({ client, shards }) =>
    shards
      .filter((shard) => client.last.get(shard) !== last(shard))
      .map((shard) => `shard ${shard}: ${client.last.get(shard)}, not ${last(shard)}`),
  );
}
const pool = new Pool(runtime.port, { patience: 30_000 });
const tally = new Tally();
const samples = [];

const send = async (nth) => {
  const { bytes, expected } = request(nth);
  for (let copies = nth % TWICE === 1 ? 2 : 1; copies > 0; copies--) {
    const begun = performance.now();
    const { status } = await pool.ask(bytes);
    tally.count(
      status === expected ? status : `${status} instead of ${expected}`,
      performance.now() - begun,
    );
  }
};
const passed = () => performance.now() / 60_000;
const begun = passed();
const sample = () => samples.push({ x: passed() - begun, ...memoryOf(runtime.pid) });
let cut = 0;
const timers = [
  setInterval(sample, SAMPLE_EVERY),
  setInterval(() => clients[cut++ % clients.length].cut(), CUT_EVERY),
  setInterval(() => {
    const { resident, anonymous } = samples.at(-1);
    say(
      `${resident.toFixed(1)} MiB, of which ${anonymous.toFixed(1)} are no mapped files; ${tally}`,
    );
  }, TELL_EVERY),
];
try {
  await atRate(rate, minutes * 60_000, send);
  await until(() => pool.pending === 0);
  // A client that was cut off comes back. One that does not is told of below.
  await until(() => behind().length === 0).catch(() => {});
} finally {
  for (const timer of timers) clearInterval(timer);
  for (const client of clients) client.stop();
  pool.close();
  await runtime.stop();
  backend.server.closeAllConnections();
  backend.server.close();
}

const steady = samples.filter(({ x }) => x >= WARM_UP);
const growth = (of) => fit(steady.map((each) => ({ x: each.x / 60, y: each[of] })));
const [resident, anonymous] = [growth("resident"), growth("anonymous")];
const shown = ({ slope, error }) => `${slope.toFixed(1)} ± ${error.toFixed(1)} MiB an hour`;
const events = clients.reduce((sum, client) => sum + client.events, 0);
const faults = clients.flatMap((client) => client.faults);
const lost = behind();
const unexpected = Object.keys(tally.answers).filter((answer) => !/^\d+$/.test(answer));

say(`${minutes} minutes, ${rate} requests a second: ${tally}
        until the answer: ${tally.quantile(0.5)} in the median, 99 % within ${tally.quantile(0.99)}
        ${backend.attempts()} attempts of deliveries; ${CLIENTS} live clients had ${events} events and came back ${clients.reduce((sum, client) => sum + client.reconnects, 0)} times
        memory: ${steady[0].resident.toFixed(1)} MiB after ${WARM_UP.toFixed(1)} minutes, ${steady.at(-1).resident.toFixed(1)} at the end; without mapped files it grows by ${shown(anonymous)}`);
judge([
  ["growth of the memory", shown(resident), resident.slope <= limit, `at most ${limit}`],
  ["other answers", unexpected.join(", ") || "none", unexpected.length === 0, "none"],
  [
    "gaps and repeats of live streams",
    faults.slice(0, 5).join("; ") || "none",
    faults.length === 0,
    "none",
  ],
  [
    "live clients without the last event of a shard",
    lost.slice(0, 5).join("; ") || "none",
    lost.length === 0,
    "none",
  ],
  ["attempts of deliveries", backend.attempts(), backend.attempts() > 0, "some"],
]);
