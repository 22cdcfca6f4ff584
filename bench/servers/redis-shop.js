// Express with Redis and BullMQ, as its documentation recommends: the event is a job with an id of its own, so that a
// repeat is ignored for as long as the finished job is kept, and a worker in the same process delivers it.

import { env } from "node:process";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { serve } from "./serve.js";
import { forward, PAUSES, shop } from "./shop.js";

const CONCURRENCY = 50;
/** How long finished jobs are kept, in seconds: repeats come within 24 hours. */
const KEPT = { age: 24 * 3600 };

const port = Number(env.REDIS_PORT);
// The queue fails fast while Redis is away, so that Vtryon sends the event again; the worker waits for it.
const queue = new Queue("events", {
  connection: new Redis({ port, maxRetriesPerRequest: 1 }),
  defaultJobOptions: {
    attempts: PAUSES.length + 1,
    backoff: { type: "exponential", delay: PAUSES[0] },
    removeOnComplete: KEPT,
    removeOnFail: KEPT,
  },
});
queue.on("error", () => {});

const worker = new Worker("events", ({ data }) => forward(data), {
  connection: new Redis({ port, maxRetriesPerRequest: null }),
  concurrency: CONCURRENCY,
});
worker.on("error", () => {});
await queue.waitUntilReady();

// The id of a job may have no colon.
serve(
  shop(({ task_id, status }, body) => queue.add("event", body, { jobId: `${task_id}/${status}` })),
);
