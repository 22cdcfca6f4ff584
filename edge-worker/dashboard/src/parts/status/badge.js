// How a task, a delivery, an event or an endpoint stands, in a word and a colour.

import { html } from "htm/preact";
import { capital } from "../../format.js";

const STATUSES = { queued: "waiting", processing: "active", completed: "good", failed: "bad" };
const STATES = { pending: "active", delivered: "good", dead: "bad", superseded: "waiting" };
const OUTCOMES = {
  late: "warning",
  conflict: "bad",
  unknown: "odd",
  quarantined: "warning",
  alert: "warning",
};

export function Badge({ tone, children }) {
  return html`<span data-tone=${tone}>${children}</span>`;
}

/** The status of a task or of an event; null where there was none. */
export function Status({ status }) {
  if (status === null) return html`<${Badge} tone="waiting">No status<//>`;
  return html`<${Badge} tone=${STATUSES[status] ?? "odd"}>${capital(status)}<//>`;
}

/** The state of a delivery. */
export function State({ state }) {
  return html`<${Badge} tone=${STATES[state] ?? "odd"}>${capital(state)}<//>`;
}

/** What an event was to its task; the usual needs no colour. */
export function Outcome({ outcome }) {
  return html`<${Badge} tone=${OUTCOMES[outcome] ?? "plain"}>${capital(outcome)}<//>`;
}
