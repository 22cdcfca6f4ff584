// A Worker in JavaScript that does the whole job, on the same runtime and with as many objects.

import { startPeer } from "../gateway/peer.js";
import { onWorkerd } from "./ours.js";

const SHARDS = 16;

export async function startJsWorker(backend) {
  const variables = {
    ENDPOINT: backend.url,
    ENDPOINT_SECRET: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
  };
  return onWorkerd(await startPeer("delivering-worker.js", { shards: SHARDS, variables }));
}
