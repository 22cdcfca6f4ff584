// What ten thousand idle live sockets cost the events that none of them waits for.
//     node bench/idle-sockets.js [--sockets=10000] [--rounds=7] [--tasks=500]
//
// Two gateways run side by side on workerd, each with one shard; to one of them so many sockets are open, each
// of a task of which nothing is heard. In turns, both get the same number of events. The ratio of each figure is
// taken round by round, and its median is told: whatever else the machine does falls on both. Times and events
// a second are those of a machine that posts to itself; only the ratios mean something elsewhere.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { WebSocket } from "ws";
import { startGateway, TOKEN } from "./gateway/gateway.js";
import { ingest } from "./ingest.js";

const { values } = parseArgs({
  options: {
    sockets: { type: "string", default: "10000" },
    rounds: { type: "string", default: "7" },
    tasks: { type: "string", default: "500" },
  },
});
const sockets = Number(values.sockets);
const rounds = Number(values.rounds);
const tasks = Number(values.tasks);

// Each socket is an open file, here and in the runtime.
const limits = readFileSync("/proc/self/limits", "utf8");
const files = Number(/^Max open files\s+(\d+)/m.exec(limits)[1]);
if (files < sockets + 200) {
  console.error(
    `error: ${sockets} sockets need as many open files, and ${files} are allowed: ulimit -n`,
  );
  process.exit(1);
}

/** How many sockets are opened at the same time. */
const AT_ONCE = 64;

/** Opens a socket to a task and waits until it has caught up. */
function watch(url, nth) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/tasks/idle_${nth}/live`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.on("message", (text) => {
      const { type, id } = JSON.parse(text);
      if (type !== "ready") return;
      socket.send(JSON.stringify({ type: "ack", id }));
      resolve(socket);
    });
    socket.once("unexpected-response", (_, { statusCode }) => {
      reject(new Error(`socket ${nth}: answered ${statusCode}`));
    });
    socket.once("error", reject);
  });
}

async function openAll(url) {
  const open = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < sockets) open.push(await watch(url, next++));
    }),
  );
  return open;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const FIGURES = [
  ["rate", "events/s", 0],
  ["p50", "p50 ms", 2],
  ["p95", "p95 ms", 2],
  ["cpu", "CPU µs/event", 0],
];
const row = (name, cells) =>
  console.log(name.padEnd(24) + cells.map((c) => c.padStart(14)).join(""));
const told = (name, results) =>
  row(
    name,
    FIGURES.map(([key, , digits]) => median(results.map((each) => each[key])).toFixed(digits)),
  );

const quiet = await startGateway();
const crowded = await startGateway();
let open = [];
try {
  // Both have stored as much, and are warm, before anything is counted.
  for (const workerd of [quiet, crowded]) await ingest(workerd, tasks);
  const before = crowded.memory;
  open = await openAll(crowded.url);
  const perSocket = (crowded.memory - before) / sockets / 1024;

  const results = { quiet: [], crowded: [] };
  for (let round = 0; round < rounds; round++) {
    // Who comes first changes with the round.
    const turns = [
      ["quiet", quiet],
      ["crowded", crowded],
    ];
    for (const [name, workerd] of round % 2 === 0 ? turns : turns.reverse()) {
      results[name].push(await ingest(workerd, tasks));
    }
  }
  const closed = open.filter(({ readyState }) => readyState !== WebSocket.OPEN).length;
  if (closed > 0) throw new Error(`${closed} sockets were closed meanwhile`);

  row(
    "",
    FIGURES.map(([, title]) => title),
  );
  told("no socket", results.quiet);
  told(`${sockets.toLocaleString("en")} idle sockets`, results.crowded);
  row(
    `ratio, ${rounds} rounds`,
    FIGURES.map(([key]) => {
      const ratios = results.crowded.map((each, nth) => each[key] / results.quiet[nth][key]);
      return median(ratios).toFixed(3);
    }),
  );
  if (sockets > 0) console.log(`memory of the runtime for a socket: ${perSocket.toFixed(1)} KiB`);
} finally {
  for (const socket of open) socket.terminate();
  await quiet.stop();
  await crowded.stop();
}
