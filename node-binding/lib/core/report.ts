// Reads the report that the core leaves in the shared memory. `src/report.rs` describes its layout.

import type { Json, VtryonEvent } from "./event.js";
import { readText, reportNumbers } from "./memory.js";

const ABSENT = 0xffffffff;

/** The secret that signed a payload: its index among the configured ones, and its fingerprint. */
export interface SecretMatch {
  readonly secretIndex: number;
  readonly fingerprint: string;
  /** With the scheme `standard-webhooks`: the value of `webhook-id`, the same for each attempt and replay. */
  readonly webhookId?: string | undefined;
}

const STATUS_CHANGED = "generation.status_changed";
const STATUSES = ["queued", "processing", "completed", "failed"];

/** Reads which secret signed the payload. */
export function readMatch(fingerprints: readonly string[]): SecretMatch {
  const [secretIndex = 0] = reportNumbers();
  return { secretIndex, fingerprint: fingerprints[secretIndex] ?? "" };
}

/** Reads the event into a plain object. It copies everything, since the next call overwrites the memory. */
export function readEvent(): VtryonEvent {
  const numbers = reportNumbers();
  const at = (index: number) => numbers[index] as number;
  const all = readText(at(1), at(2));
  let end = at(4);
  const part = (index: number) => {
    const units = at(index);
    if (units === ABSENT) return null;
    end += units;
    return all.slice(end - units, end);
  };
  // The parts follow each other in the text, so they have to be read in this order.
  const name = part(6) ?? STATUS_CHANGED;
  const status = STATUSES[at(3)] ?? part(7);
  const resultUrl = part(8);
  const errorMessage = part(9);
  const data = at(12) === 0 ? part(10) : readText(at(12), at(13));
  const error = at(14) === 0 ? part(11) : readText(at(14), at(15));
  return {
    event: name,
    task_id: all.slice(at(4) - at(5), at(4)),
    status,
    data: parseJson(data),
    error: parseJson(error),
    result_url: resultUrl,
    error_message: errorMessage,
    idempotency_key: all.slice(0, at(4)),
  } as VtryonEvent;
}

/** Parses JSON that the core has validated. */
const parseJson = (json: string | null): Json | undefined =>
  json === null ? undefined : JSON.parse(json);
