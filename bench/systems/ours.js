// Our gateway on the runtime itself, with one endpoint that gets every event in order.

import path from "node:path";
import { startGateway, TOKEN } from "../gateway/gateway.js";

const SHARDS = 16;
const ROOT = path.resolve(import.meta.dirname, "../..");

/** Starts the gateway as it was built in a checkout. */
export async function startOurs(backend, { checkout = ROOT } = {}) {
  const build = path.join(checkout, "edge-worker/build");
  const workerd = await startGateway({ shards: SHARDS, build });
  const answer = await fetch(`${workerd.url}/api/endpoints`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ url: backend.url, order: "all" }),
  });
  if (answer.status !== 201) throw new Error(`no endpoint: ${answer.status}`);
  return onWorkerd(workerd);
}

/** A system that is one runtime. */
export const onWorkerd = (workerd) => ({
  get port() {
    return workerd.port;
  },
  pids: () => [workerd.pid],
  kill: () => workerd.halt(),
  restart: () => workerd.restart(),
  stop: () => workerd.stop(),
});
