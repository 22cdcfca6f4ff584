// The rows of the table, and how a row becomes a request.

import { SIGNATURE_HEADER } from "../../core/payload.js";
import { utf8Encoder as encoder } from "../../core/utf8.js";
import { sign } from "../../verifier/sign.js";
import { eventBody } from "../events.js";
import type { Expectation } from "./expectation.js";

/**
 * How the length of the body is declared: `length` by `content-length`, `chunked` by chunks, `longer` and `shorter` by
 * a `content-length` that is greater or less than the body. Only clients that set the length themselves, such as
 * `checkEndpoint`, can send the last two; `fetch` can't.
 */
export type Framing = "length" | "chunked" | "longer" | "shorter";

/** One HTTP request. */
export interface Outgoing {
  readonly method: string;
  /** A repeated name is sent as repeated header lines. `framing` declares the length of the body. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  readonly framing: Framing;
}

/** A request that every client can send, and the answers that pass. */
export interface HostileRequest extends Outgoing {
  /** A short, stable identifier. */
  readonly name: string;
  /** What is wrong with a receiver that answers otherwise. */
  readonly why: string;
  /** A valid request to send before; its answer does not count. null for none. */
  readonly first: Outgoing | null;
  /** How often to send it, and whether concurrently. */
  readonly copies: number;
  readonly together: boolean;
  /** The request in words. */
  readonly sent: string;
  readonly expect: Expectation;
}

/** The valid request that a case modifies. */
export interface ValidRequest {
  readonly secret: string;
  readonly task_id: string;
  readonly text: string;
  readonly body: Uint8Array;
  readonly signature: string;
}

/** What a case changes; everything else stays as in the valid request. */
export interface Change {
  readonly method?: string;
  readonly body?: Uint8Array;
  /** The values of the signature header, one line each. By default the right signature of the body. */
  readonly signatures?: readonly string[];
  /** null for none. */
  readonly contentType?: string | null;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly framing?: Framing;
  /** Whether the valid request is sent first. */
  readonly afterValid?: boolean;
  readonly copies?: number;
  readonly together?: boolean;
}

/** A row of the table: its name, why it matters, the answers that pass, and what it changes. */
export type Row = readonly [
  name: string,
  why: string,
  expect: Expectation,
  change: (valid: ValidRequest) => Change,
];

const JSON_TYPE = "application/json";

/** Encodes text as UTF-8. */
export const utf8 = (text: string): Uint8Array => encoder().encode(text);

/** Builds the request of a row, about its own task, so that no case is a duplicate of another. */
export function buildRequest(
  [name, why, expect, change]: Row,
  secret: string,
  prefix: string,
): HostileRequest {
  const task_id = `${prefix}_${name}`;
  const text = JSON.stringify(eventBody("try-on", "queued", task_id));
  const valid = { secret, task_id, text, body: utf8(text), signature: sign(text, secret) };
  const changed = change(valid);
  const body = changed.body ?? valid.body;
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
    first: changed.afterValid ? plainRequest(valid) : null,
    copies: changed.copies ?? 1,
    together: changed.together ?? false,
  };
  return { name, why, ...wire, sent: inWords(wire), expect };
}

function plainRequest({ body, signature }: ValidRequest): Outgoing {
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
