import { otherBytes, unreadable, unusual, unusualForged } from "./bodies.js";
import { type HostileRequest, type Row, requestOf } from "./case.js";
import { TAKEN } from "./expectation.js";
import { otherKeys, signatureForms } from "./headers.js";
import { repeats, transport } from "./transport.js";

/** How the requests of two runs are told apart. */
export interface HostileOptions {
  /** What the ids of all tasks begin with: by default `task_hostile`. */
  task_id?: string | undefined;
}

const ROWS: readonly Row[] = [
  ["good", "a plain event must be taken", TAKEN, () => ({})],
  ...signatureForms,
  ...otherKeys,
  ...otherBytes,
  ...unusual,
  ...unusualForged,
  ...unreadable,
  ...transport,
  ...repeats,
  ["good-at-last", "after all this the receiver still works", TAKEN, () => ({})],
];

/**
 * Makes the requests that receivers are known to fail on, signed with `secret` where they are signed.
 *
 * They are in order: the first and the last one are good, so that a receiver that was not there, and one
 * that is there no more, can be told. Throws `secret_missing`, `secret_empty` and `secret_whitespace`.
 */
export function hostileRequests(
  secret: string,
  { task_id = "task_hostile" }: HostileOptions = {},
): HostileRequest[] {
  return ROWS.map((row) => requestOf(row, secret, task_id));
}
