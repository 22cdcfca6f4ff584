// The overview: counts, charts, what needs attention, and the latest events.

import { html } from "htm/preact";
import { useId, useMemo, useState } from "preact/hooks";
import { get, getText } from "../api.js";
import { count, duration, number, percent } from "../format.js";
import { useEvery, useLoad } from "../load.js";
import { Attention } from "../parts/attention.js";
import { Chart } from "../parts/chart.js";
import { FirstSteps } from "../parts/first-steps.js";
import { Latest } from "../parts/latest.js";
import { Failure, Loading } from "../parts/notice.js";
import { Page } from "../parts/page.js";
import { charts, metrics } from "../stats.js";

const RANGES = {
  60: "Last hour",
  180: "Last 3 hours",
  720: "Last 12 hours",
  1440: "Last 24 hours",
};

export function Overview() {
  const [minutes, setMinutes] = useState("60");
  const counts = useLoad(async (signal) => metrics(await getText("/api/metrics", { signal })));
  const stats = useLoad((signal) => get("/api/stats", { query: { minutes }, signal }), [minutes]);
  // Longer times take the shards longer, and change less.
  useEvery(minutes === "60" ? 15_000 : 60_000, () => {
    counts.reload();
    stats.reload();
  });
  const isNew = counts.data?.events_total === 0;
  return html`
    <${Page} title="Overview" about="How events come in, and how they reach your backend." actions=${html`<${Range} minutes=${minutes} choose=${setMinutes} />`}>
      ${isNew && html`<${FirstSteps} />`}
      <${Attention} metrics=${counts.data} />
      <${Failure} error=${counts.error} what="The counts were not loaded." retry=${counts.reload} />
      ${counts.data && html`<${Tiles} counts=${counts.data} commit=${stats.data?.commit_ms} />`}
      <${Failure} error=${stats.error} what="The charts were not loaded." retry=${stats.reload} />
      ${!stats.data && !stats.error && html`<${Loading} what="charts" />`}
      ${stats.data && html`<${Charts} stats=${stats.data} />`}
      <${Latest} />
    <//>
  `;
}

function Range({ minutes, choose }) {
  const id = useId();
  return html`
    <label class="unseen" for=${id}>Time shown</label>
    <select id=${id} value=${minutes} onChange=${(event) => choose(event.target.value)}>
      ${Object.entries(RANGES).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
    </select>
  `;
}

function Tiles({ counts, commit }) {
  const overdue = counts.alarm_lag_seconds;
  const tiles = [
    ["Events stored", number(counts.events_total)],
    ["Tasks in progress", number(counts.tasks_open), "/tasks"],
    [
      "Deliveries pending",
      number(counts.deliveries_pending),
      "/deliveries?state=pending",
      overdue > 0 && `due for ${duration(overdue * 1000)}`,
    ],
    ["Dead letters", number(counts.deliveries_dead), "/deliveries?state=dead"],
    ["In quarantine", number(counts.quarantined), "/quarantine"],
    [
      "Durable commit, p95",
      commit?.p95 ? duration(commit.p95) : "–",
      undefined,
      commitNote(commit),
    ],
  ];
  return html`
    <dl class="tiles">
      ${tiles.map(
        ([name, value, href, note]) => html`
          <div key=${name}>
            <dt>${href ? html`<a href=${href}>${name}</a>` : name}</dt>
            <dd>${value}${note && html`<small>${note}</small>`}</dd>
          </div>
        `,
      )}
    </dl>
  `;
}

function commitNote(commit) {
  if (!commit || commit.count === 0) return "none since the start";
  return `median ${duration(commit.p50)}, longest ${duration(commit.max)}, ${number(commit.count)} since the start`;
}

function Charts({ stats }) {
  const drawn = useMemo(() => charts(stats), [stats]);
  const { events, latency, success, counts } = drawn;
  const per = events.step === 60 ? "minute" : `${events.step / 60} minutes`;
  const ended = counts.delivered + counts.dead;
  const rate = ended === 0 ? "–" : percent(counts.delivered / ended);
  const worst = (values) => Math.max(...values.filter((value) => value !== null));
  const highest = (values) =>
    values.every((value) => value === null) ? "–" : `up to ${duration(worst(values))}`;
  return html`
    ${stats.truncated && html`<p class="note"><small>More happened in this time than is looked at: the charts show a part of it.</small></p>`}
    <div class="charts">
      <${Chart}
        title=${`Events per ${per}`}
        chart=${events}
        bars
        format=${number}
        total=${(values) => number(values.reduce((total, value) => total + value, 0))}
        summary=${counts.events === 0 ? "No event in this time." : `${count(counts.events, "event")} in this time.`}
      />
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
      <${Chart}
        title="Delivery success rate"
        chart=${success}
        format=${percent}
        top=${1.02}
        total=${() => rate}
        summary=${ended === 0 ? "No delivery ended in this time." : `${rate} of ${count(ended, "delivery", "deliveries")} that ended.`}
      />
    </div>
  `;
}
