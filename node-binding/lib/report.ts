import type { Json, VtryonEvent } from "./event.js";
import { copy, decode, reported, text } from "./workspace.js";

const ABSENT = 0xffffffff;

/** Which secret matched: its place among those configured, and the short name by which it is shown. */
export interface Match {
  readonly secretIndex: number;
  readonly fingerprint: string;
}

const STATUS_CHANGED = "generation.status_changed";
const STATUSES = ["queued", "processing", "completed", "failed"];

/** Reads who signed (`src/report.rs` has the layout). */
export function reportedMatch(fingerprints: readonly string[]): Match {
  const [secretIndex = 0] = reported();
  return { secretIndex, fingerprint: fingerprints[secretIndex] ?? "" };
}

/** Reads the event. All of it is taken out of the memory now, so it is what was signed. */
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
  const event: { [name: string]: string | null | undefined } = {
    event: part(6) ?? STATUS_CHANGED,
    task_id: all.slice(at(4) - at(5), at(4)),
    status: STATUSES[at(3)] ?? part(7),
    result_url: part(8),
    error_message: part(9),
    idempotency_key: all.slice(0, at(4)),
  };
  const data = at(12) === 0 ? part(10) : copy(at(12), at(13));
  const error = at(14) === 0 ? part(11) : copy(at(14), at(15));
  if (data === null) event.data = undefined;
  else parseDataLater(event, data);
  if (error === null) event.error = undefined;
  else parseErrorLater(event, error);
  return event as unknown as VtryonEvent;
}

/** Returns its argument as the object that is constructed, so that a subclass puts its private fields there. */
class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: that is what it is for
    return object;
  }
}

/** Makes an enumerable accessor, faster than `Object.defineProperty`, which has a descriptor to read. */
const { __defineGetter__: defineGetter } = Object.prototype as object as {
  __defineGetter__(this: object, name: string, get: () => unknown): void;
};

/** Makes what gives events a property that is parsed when it is first looked at. */
function lazily(name: "data" | "error"): (event: object, json: string | Uint8Array) => void {
  class Unparsed extends Given {
    #json: string | Uint8Array | undefined;
    #value: Json | undefined;

    constructor(event: object, json: string | Uint8Array) {
      super(event);
      this.#json = json;
    }

    /** Parses what the core has judged to be JSON. */
    static value(event: Unparsed): Json | undefined {
      const json = event.#json;
      if (json !== undefined)
        event.#value = JSON.parse(typeof json === "string" ? json : decode(json));
      event.#json = undefined;
      return event.#value;
    }
  }
  // One for all events, so that they have one shape: engines would give each a shape of its own for its own getter.
  function get(this: Unparsed) {
    return Unparsed.value(this);
  }
  return (event, json) => {
    new Unparsed(event, json);
    defineGetter.call(event, name, get);
  };
}

const parseDataLater = lazily("data");
const parseErrorLater = lazily("error");
