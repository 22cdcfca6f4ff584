import { SIGNATURE_HEADER } from "../../core/payload.js";
import { utf8Encoder as encoder } from "../../core/utf8.js";
import { sign } from "../../verifier/sign.js";
import { eventBody } from "../events.js";
import type { Expectation } from "./expectation.js";

/**
 * How the length of the body is told: by `content-length`, or in chunks; by a `content-length` that is
 * longer than what comes before the connection ends, or shorter than what comes. Only `checkEndpoint`
 * and other clients that write the length by themselves can send the last two; `fetch` can't.
 */
export type Framing = "length" | "chunked" | "longer" | "shorter";

/** One request, as it is to stand on the wire. */
export interface Outgoing {
  readonly method: string;
  /** A name that stands twice is sent twice. The length of the body is told by `framing`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  readonly framing: Framing;
}

/** A request, told so that every client can send it, and the answers that pass. */
export interface HostileRequest extends Outgoing {
  /** Short, stable, without blanks. */
  readonly name: string;
  /** What would be wrong with a receiver that answers otherwise. */
  readonly why: string;
  /** A good request that is sent and answered before; its own answer does not count. null for none. */
  readonly first: Outgoing | null;
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
  /** Whether the good request comes first. */
  readonly afterGood?: boolean;
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

const JSON_TYPE = "application/json";

/** Writes text as UTF-8. */
export const utf8 = (text: string): Uint8Array => encoder().encode(text);

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
  const { signatures = [sign(body, secret)], contentType = JSON_TYPE } = changed;
  const wire = {
    method: changed.method ?? "POST",
    headers: [
      ...(contentType === null ? [] : [["content-type", contentType] as const]),
      ...signatures.map((value) => [SIGNATURE_HEADER, value] as const),
      ...(changed.headers ?? []),
    ],
    body,
    framing: changed.framing ?? "length",
    first: changed.afterGood ? plain(good) : null,
    copies: changed.copies ?? 1,
    together: changed.together ?? false,
  };
  return { name, why, ...wire, sent: inWords(wire), expect };
}

function plain({ body, signature }: Good): Outgoing {
  const headers = [
    ["content-type", JSON_TYPE],
    [SIGNATURE_HEADER, signature],
  ] as const;
  return { method: "POST", headers, body, framing: "length" };
}

const FRAMED: Readonly<Record<Framing, string>> = {
  length: "",
  chunked: ", chunked",
  longer: ", declared longer",
  shorter: ", declared shorter",
};

function inWords(wire: Omit<HostileRequest, "name" | "why" | "sent" | "expect">): string {
  const times = wire.copies > 1 ? `, ${wire.copies} times${wire.together ? " at once" : ""}` : "";
  const after = wire.first === null ? "" : ", after a good one";
  return `${wire.method} ${wire.body.length} B${FRAMED[wire.framing]}${times}${after}`;
}
