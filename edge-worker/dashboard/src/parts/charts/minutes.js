// How far back charts go: a choice of times.

import { html } from "htm/preact";
import { useId } from "preact/hooks";

const RANGES = {
  60: "Last hour",
  180: "Last 3 hours",
  720: "Last 12 hours",
  1440: "Last 24 hours",
};

/** How often what is shown is loaded again: longer times take the shards longer, and change less. */
export const pauseOf = (minutes) => (minutes === "60" ? 15_000 : 60_000);

export function Minutes({ minutes, choose }) {
  const id = useId();
  return html`
    <label class="unseen" for=${id}>Time shown</label>
    <select id=${id} value=${minutes} onChange=${(event) => choose(event.target.value)}>
      ${Object.entries(RANGES).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
    </select>
  `;
}
