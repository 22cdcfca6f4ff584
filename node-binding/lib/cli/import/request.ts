// Sends batches of events to a gateway, until it answers.

import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { sendRequest } from "../../testing/http-client.js";
import { Failure } from "../common/errors.js";
import { answerOf, answerText } from "../common/format.js";
import { gatewayError, untrustedError } from "../gateway/errors.js";
import { backoff, TIMING } from "../gateway/stream.js";

/** How long the gateway may take for a batch, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** How often a batch may be too slow before that is an error. */
const MAX_SLOW = 4;

/** The answer to a batch. */
export interface BatchResult {
  readonly stored: number;
  /** How many of those are tasks that were erased. */
  readonly erased: number;
  readonly duplicates: number;
  /** How many events were left out: their tasks have as many statuses as they may have. */
  readonly capped: number;
  readonly refused: readonly RefusedLine[];
}

export interface RefusedLine {
  /** Its number in the batch, from 1 on. */
  readonly line: number;
  readonly error: string;
  readonly message: string;
}

export interface Target {
  readonly gateway: URL;
  readonly agent: Agent;
  readonly token: string;
}

/** Sends a batch, again and again until it is answered: what was stored before is then a duplicate. */
export async function sendBatch(
  { gateway, agent, token }: Target,
  body: Uint8Array,
  away: (reason: string) => void,
): Promise<BatchResult> {
  const headers = [
    ["authorization", `Bearer ${token}`],
    ["content-type", "application/x-ndjson"],
  ] as const;
  const request = { method: "POST", headers, body, framing: "length" } as const;
  let slow = 0;
  for (let failures = 0; ; failures += 1) {
    const url = new URL("/api/import", gateway);
    const result = await sendRequest(url, request, TIMEOUT_MS, { agent, uploads: 2 });
    if ("status" in result && result.status === 200) return resultOf(result.text);
    if ("status" in result && [400, 404, 413].includes(result.status)) {
      throw new Failure(
        `the gateway refuses the import: ${answerOf(result)} ${answerText(result, "message")}`,
        "is it a gateway, and as new as this command?",
      );
    }
    if ("status" in result && result.status === 408 && ++slow === MAX_SLOW) {
      throw new Failure(
        `the connection is too slow: ${body.length} bytes have not arrived in the time that the gateway waits for them`,
        "import from a machine with a faster connection; the same command goes on where it stopped",
      );
    }
    const need = { what: "import events", scope: "admin" };
    const failure = "status" in result ? gatewayError(result.status, need) : undefined;
    if (failure !== undefined) throw failure;
    if ("failure" in result && result.untrusted) throw untrustedError(gateway, result);
    away("failure" in result ? result.failure : `it answers ${answerOf(result)}`);
    await sleep(backoff(failures, TIMING, Math.random()));
  }
}

function resultOf(text: string): BatchResult {
  try {
    const { stored, duplicates, capped, lines } = JSON.parse(text);
    const refused = lines.filter(({ result }: { result: string }) => result === "refused");
    const erased = lines.filter(({ outcome }: { outcome?: string }) => outcome === "erased").length;
    if ([stored, duplicates, capped].every(Number.isInteger)) {
      return { stored, erased, duplicates, capped, refused };
    }
  } catch {
    // Reported below.
  }
  throw new Failure(
    "the gateway's answer has a format that this version does not know",
    "see whether there is a newer version of vtryon-webhooks",
  );
}
