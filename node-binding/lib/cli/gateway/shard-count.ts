import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { sendRequest } from "../../testing/http-client.js";
import { gatewayError, untrustedError } from "./errors.js";
import { backoff, TIMING } from "./stream.js";

/** Asks a gateway for the number of its shards, again and again until it answers. Returns 0 if stopped before. */
export async function fetchShardCount(
  { gateway, agent, token }: { gateway: URL; agent: Agent; token: string },
  away: (reason: string) => void,
  signal?: AbortSignal,
): Promise<number> {
  const headers = [["authorization", `Bearer ${token}`]] as const;
  const request = { method: "GET", headers, body: new Uint8Array(), framing: "length" } as const;
  const isStopped = () => signal?.aborted === true;
  for (let failures = 0; !isStopped(); failures += 1) {
    const url = new URL("/api/live", gateway);
    const result = await sendRequest(url, request, TIMING.openMs, { agent });
    if (isStopped()) break;
    if ("status" in result && result.status === 200) return shardCount(result.text);
    const failure = "status" in result ? gatewayError(result.status) : undefined;
    if (failure !== undefined) throw failure;
    if ("failure" in result && result.untrusted) throw untrustedError(gateway, result);
    away("failure" in result ? result.failure : `it answers ${result.status}`);
    const wait = backoff(failures, TIMING, Math.random());
    await sleep(wait, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
  return 0;
}

function shardCount(text: string): number {
  let shards: unknown;
  try {
    shards = JSON.parse(text).shards;
  } catch {
    // Reported below.
  }
  if (!Number.isInteger(shards)) throw gatewayError(200);
  return shards as number;
}
