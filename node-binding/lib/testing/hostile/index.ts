// The table of hostile requests.

import { checkOptions, readOption } from "../../core/options.js";
import { otherBytes, unreadable, unusual, unusualForged } from "./bodies.js";
import { buildRequest, type HostileRequest, type Row } from "./case.js";
import { TAKEN } from "./expectation.js";
import { otherKeys, signatureForms } from "./headers.js";
import { repeats, transport } from "./transport.js";

/** The options of a set of requests. */
export interface HostileOptions {
  /** The prefix of all task ids: by default `task_hostile`. */
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
 * Creates the requests that receivers are known to fail on. Those with a signature are signed with `secret`.
 *
 * Send them in order. The first and the last one are valid: they show whether the receiver was running at the start
 * and still is at the end. Throws `invalid_option` and the codes that begin with `secret_`.
 */
export function hostileRequests(secret: string, options: HostileOptions = {}): HostileRequest[] {
  checkOptions(options, ["task_id"]);
  const task_id = (readOption(options, "task_id") ?? "task_hostile") as string;
  return ROWS.map((row) => buildRequest(row, secret, task_id));
}
