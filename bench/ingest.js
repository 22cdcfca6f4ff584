// Events as Vtryon posts them, some at a time, each timed from its first byte to its 200.

import { createHmac } from "node:crypto";
import { Agent, request } from "node:http";
import { SECRET } from "./gateway/gateway.js";
import { cpuOf } from "./lib/cpu.js";

/** How many connections post at the same time. */
const AT_ONCE = 16;

let tasks = 0;

function post(agent, url, task_id, status) {
  const body = JSON.stringify({ event: "generation.status_changed", task_id, status });
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  const headers = { "x-vtryon-signature": signature, "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const sent = request(`${url}/webhooks/vtryon`, { method: "POST", agent, headers }, (answer) => {
      answer.resume().once("end", () => {
        if (answer.statusCode === 200) resolve(performance.now() - begun);
        else reject(new Error(`answered ${answer.statusCode}`));
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

const quantile = (sorted, q) => sorted[Math.floor(q * (sorted.length - 1))];

/** Posts two events each of so many new tasks; returns events a second, the ack's times, and CPU an event. */
export async function ingest(workerd, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const times = [];
  let left = count;
  const begun = performance.now();
  const before = cpuOf(workerd.pid);
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) {
        const id = `bench_${tasks++}`;
        times.push(await post(agent, workerd.url, id, "queued"));
        times.push(await post(agent, workerd.url, id, "processing"));
      }
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  const cpu = (cpuOf(workerd.pid) - before) / times.length;
  agent.destroy();
  times.sort((a, b) => a - b);
  return {
    rate: times.length / seconds,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    cpu,
  };
}
