// The systems that are compared, by the names that `SYSTEMS` takes.

import { versionOf } from "../lib/machine.js";
import { startJsWorker } from "./js-worker.js";
import { startOurs } from "./ours.js";
import { makePostgres } from "./postgres.js";
import { makeRedis } from "./redis.js";
import { startShop } from "./shop.js";

export const SYSTEMS = {
  ours: {
    title: "ours",
    guarantees: {
      "bodies kept": "30 days",
      order: "of each task",
      "second signature": "Standard Webhooks",
      "attempts recorded": "each",
      retries: "5 in 24 hours",
      live: "WebSocket, SSE",
      endpoints: "many, by an API",
    },
    start: startOurs,
  },
  worker: {
    title: "JavaScript Worker",
    guarantees: {
      "bodies kept": "yes",
      order: "–",
      "second signature": "Standard Webhooks, alone",
      "attempts recorded": "each",
      retries: "5 in 24 hours",
      live: "–",
      endpoints: "one, fixed",
    },
    start: startJsWorker,
  },
  postgres: {
    title: "Express + PostgreSQL",
    guarantees: {
      "bodies kept": "until delivered",
      order: "–",
      "second signature": "–",
      "attempts recorded": "how many failed",
      retries: "5 in 24 hours",
      live: "–",
      endpoints: "one, fixed",
    },
    start: (backend) => startShop("postgres-shop.js", backend, makePostgres),
  },
  redis: {
    title: `Express + Redis + BullMQ ${versionOf("bullmq")}`,
    guarantees: {
      "bodies kept": "24 hours",
      order: "–",
      "second signature": "–",
      "attempts recorded": "how many, the last error",
      retries: "5 in half an hour",
      live: "–",
      endpoints: "one, fixed",
    },
    start: (backend) => startShop("redis-shop.js", backend, makeRedis),
  },
  memory: {
    title: "guide's handler, in memory",
    guarantees: {
      "bodies kept": "–",
      order: "–",
      "second signature": "–",
      "attempts recorded": "–",
      retries: "until it restarts",
      live: "–",
      endpoints: "one, fixed",
    },
    start: (backend) => startShop("memory-shop.js", backend),
  },
};

/** Returns the systems that the environment names, and another checkout of ours where it names one. */
export function chosen({ SYSTEMS: names, OURS: checkout }) {
  const systems = (names || Object.keys(SYSTEMS).join(",")).split(",").map((name) => {
    if (name in SYSTEMS) return SYSTEMS[name];
    throw new Error(`no system ${name}; there are ${Object.keys(SYSTEMS).join(", ")}`);
  });
  if (!checkout) return systems;
  const other = (backend) => startOurs(backend, { checkout });
  return [...systems, { title: `ours of ${checkout}`, start: other }];
}
