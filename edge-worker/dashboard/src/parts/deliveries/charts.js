// Charts of deliveries: how long they took, and how many of those that ended have arrived.

import { html } from "htm/preact";
import { count, duration, number, percent } from "../../format.js";
import { Chart } from "../charts/chart.js";

/** What is said below the charts where the counts are of a part alone. */
export function Truncated({ stats }) {
  if (!stats.truncated) return null;
  return html`<p class="note"><small>More happened in this time than is looked at: the charts show a part of it.</small></p>`;
}

/** How long a bar is, in words. */
export const per = ({ step }) => (step === 60 ? "minute" : `${step / 60} minutes`);

export const total = (values) => number(values.reduce((sum, value) => sum + value, 0));

/** `latency` is a chart of `stats.js`. */
export function LatencyChart({ latency }) {
  const worst = (values) => Math.max(...values.filter((value) => value !== null));
  const highest = (values) =>
    values.every((value) => value === null) ? "–" : `up to ${duration(worst(values))}`;
  return html`
    <${Chart}
      title="Delivery latency"
      chart=${latency}
      format=${duration}
      total=${highest}
      least=${10}
      summary=${
        latency.series.every(({ values }) => values.every((value) => value === null))
          ? "No delivery arrived in this time."
          : `From received to delivered. Median ${highest(latency.series[0].values)}, 95th percentile ${highest(latency.series[1].values)}.`
      }
    />
  `;
}

/** `success` is a chart of `stats.js`, with its counts. */
export function SuccessChart({ success, counts }) {
  const ended = counts.delivered + counts.dead;
  const rate = ended === 0 ? "–" : percent(counts.delivered / ended);
  const pending = counts.pending === 0 ? "" : ` ${number(counts.pending)} pending.`;
  return html`
    <${Chart}
      title="Delivery success rate"
      chart=${success}
      format=${percent}
      top=${1.02}
      total=${() => rate}
      summary=${(ended === 0 ? "No delivery ended in this time." : `${rate} of ${count(ended, "delivery", "deliveries")} that ended.`) + pending}
    />
  `;
}
