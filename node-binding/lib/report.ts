import { heap } from "./engine.js";
import type { Json, VtryonEvent } from "./event.js";

const ABSENT = 0xffffffff;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Which secret matched: its place among those configured, and the short name by which it is shown. */
export interface Match {
  readonly secretIndex: number;
  readonly fingerprint: string;
}

/** Reads who signed, at the address that the core returned (`src/report.rs` has the layout). */
export function matchAt(address: number): Match {
  const numbers = new Uint32Array(heap(), address, 2);
  const fingerprint = (numbers[1] ?? 0).toString(16).padStart(8, "0");
  return { secretIndex: numbers[0] ?? 0, fingerprint };
}

/** Reads the event. What is parsed later is copied out now, so it is what was signed. */
export function eventAt(address: number): VtryonEvent {
  const [, , text = 0, length = 0, ...rest] = new Uint32Array(heap(), address, 14);
  const all = decoder.decode(new Uint8Array(heap(), text, length));
  let from = 0;
  const part = (units = ABSENT): string | null => {
    if (units === ABSENT) return null;
    from += units;
    return all.slice(from - units, from);
  };
  const [event, task_id, status, result_url, error_message, idempotency_key] = [
    part(rest[0]),
    part(rest[1]),
    part(rest[2]),
    part(rest[3]),
    part(rest[4]),
    part(rest[5]),
  ];
  const data = later(rest[6], rest[7]);
  const error = later(rest[8], rest[9]);
  return {
    event,
    task_id,
    status,
    result_url,
    error_message,
    idempotency_key,
    get data() {
      return data();
    },
    get error() {
      return error();
    },
  } as VtryonEvent;
}

/** Parses a value of the payload when it is first asked for; the core has judged it to be JSON. */
function later(address = ABSENT, length = 0): () => Json | undefined {
  if (address === ABSENT) return () => undefined;
  let bytes: Uint8Array | undefined = new Uint8Array(heap(), address, length).slice();
  let value: Json | undefined;
  return () => {
    if (bytes !== undefined) value = JSON.parse(decoder.decode(bytes));
    bytes = undefined;
    return value;
  };
}
