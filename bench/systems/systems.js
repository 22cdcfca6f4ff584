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
    start: startOurs,
  },
  worker: {
    title: "JavaScript Worker",
    start: startJsWorker,
  },
  postgres: {
    title: "Express + PostgreSQL",
    start: (backend) => startShop("postgres-shop.js", backend, makePostgres),
  },
  redis: {
    title: `Express + Redis + BullMQ ${versionOf("bullmq")}`,
    start: (backend) => startShop("redis-shop.js", backend, makeRedis),
  },
  memory: {
    title: "guide's handler, in memory",
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
