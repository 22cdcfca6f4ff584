import { sign } from "../sign.js";
import { eventBody } from "./events.js";
import type { Expectation } from "./expectation.js";

/**
 * How the length of the body is told: by `content-length`, or in chunks; by a `content-length` that is
 * longer than what comes before the connection ends, or shorter than what comes. Only `checkEndpoint`
 * and other clients that write the length by themselves can send the last two; `fetch` can't.
 */
export type Framing = "length" | "chunked" | "longer" | "shorter";

/** One request, told so that every client can send it, and the answers that pass. */
export interface HostileRequest {
  /** Short, stable, without blanks. */
  readonly name: string;
  /** What would be wrong with a receiver that answers otherwise. */
  readonly why: string;
  readonly method: string;
  /** A name that stands twice is sent twice. The length of the body is told by `framing`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  readonly framing: Framing;
  /** How often it is sent, and whether all at once. */
  readonly copies: number;
  readonly together: boolean;
  /** The request in words. */
  readonly sent: string;
  readonly expect: Expectation;
}

/** The good request that a case starts from. */
export interface Good {
  readonly secret: string;
  readonly task_id: string;
  readonly text: string;
  readonly body: Uint8Array;
  readonly signature: string;
}

/** What a case changes; whatever it does not name stays as it is. */
export interface Change {
  readonly method?: string;
  readonly body?: Uint8Array;
  /** The values of the signature's header, a line each. By default the right one for the body. */
  readonly signatures?: readonly string[];
  /** null for none. */
  readonly contentType?: string | null;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly framing?: Framing;
  readonly copies?: number;
  readonly together?: boolean;
}

/** A case of a table: its name, why it is there, what passes, and what it changes. */
export type Row = readonly [
  name: string,
  why: string,
  expect: Expectation,
  change: (good: Good) => Change,
];

/** The header that carries the signature. */
export const SIGNATURE = "x-vtryon-signature";

const encoder = new TextEncoder();

/** Writes text as UTF-8. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Makes the request of a row, about a task of its own, so that no case is a repeat of another. */
export function requestOf(
  [name, why, expect, change]: Row,
  secret: string,
  prefix: string,
): HostileRequest {
  const task_id = `${prefix}_${name}`;
  const text = JSON.stringify(eventBody("try-on", "queued", task_id));
  const good = { secret, task_id, text, body: utf8(text), signature: sign(text, secret) };
  const changed = change(good);
  const body = changed.body ?? good.body;
  const { signatures = [sign(body, secret)], contentType = "application/json" } = changed;
  const wire = {
    method: changed.method ?? "POST",
    headers: [
      ...(contentType === null ? [] : [["content-type", contentType] as const]),
      ...signatures.map((value) => [SIGNATURE, value] as const),
      ...(changed.headers ?? []),
    ],
    body,
    framing: changed.framing ?? "length",
    copies: changed.copies ?? 1,
    together: changed.together ?? false,
  };
  return { name, why, ...wire, sent: inWords(wire), expect };
}

const FRAMED: Readonly<Record<Framing, string>> = {
  length: "",
  chunked: ", chunked",
  longer: ", declared longer",
  shorter: ", declared shorter",
};

function inWords(
  wire: Pick<HostileRequest, "method" | "body" | "framing" | "copies" | "together">,
): string {
  const times = wire.copies > 1 ? `, ${wire.copies} times${wire.together ? " at once" : ""}` : "";
  return `${wire.method} ${wire.body.length} B${FRAMED[wire.framing]}${times}`;
}
