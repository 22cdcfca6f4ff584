import type { Json, VtryonEvent } from "./event.js";
import { reported, text } from "./memory.js";

const ABSENT = 0xffffffff;

/** Which secret matched: its place among those configured, and the short name by which it is shown. */
export interface Match {
  readonly secretIndex: number;
  readonly fingerprint: string;
  /** With the scheme `standard-webhooks`: the value of `webhook-id`, the same for each attempt and replay. */
  readonly webhookId?: string | undefined;
}

const STATUS_CHANGED = "generation.status_changed";
const STATUSES = ["queued", "processing", "completed", "failed"];

/** Reads who signed (`src/report.rs` has the layout). */
export function reportedMatch(fingerprints: readonly string[]): Match {
  const [secretIndex = 0] = reported();
  return { secretIndex, fingerprint: fingerprints[secretIndex] ?? "" };
}

/** Reads the event: plain data, all of it taken out of the memory now, so it is what was signed. */
export function reportedEvent(): VtryonEvent {
  const numbers = reported();
  const at = (index: number) => numbers[index] as number;
  const all = text(at(1), at(2));
  let end = at(4);
  const part = (index: number) => {
    const units = at(index);
    if (units === ABSENT) return null;
    end += units;
    return all.slice(end - units, end);
  };
  // The parts follow each other in the text: they are read in this order.
  const name = part(6) ?? STATUS_CHANGED;
  const status = STATUSES[at(3)] ?? part(7);
  const resultUrl = part(8);
  const errorMessage = part(9);
  const data = at(12) === 0 ? part(10) : text(at(12), at(13));
  const error = at(14) === 0 ? part(11) : text(at(14), at(15));
  return {
    event: name,
    task_id: all.slice(at(4) - at(5), at(4)),
    status,
    data: parsed(data),
    error: parsed(error),
    result_url: resultUrl,
    error_message: errorMessage,
    idempotency_key: all.slice(0, at(4)),
  } as VtryonEvent;
}

/** Parses what the core has judged to be JSON. */
const parsed = (json: string | null): Json | undefined =>
  json === null ? undefined : JSON.parse(json);
