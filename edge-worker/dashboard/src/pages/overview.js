// The overview: counts, charts, what needs attention, and the latest events.

import { html } from "htm/preact";
import { useMemo, useState } from "preact/hooks";
import { useEvery, useLoad } from "../api/load.js";
import { get, getText } from "../api/requests.js";
import { count, duration, number } from "../format.js";
import { Chart } from "../parts/charts/chart.js";
import { Minutes, pauseOf } from "../parts/charts/minutes.js";
import { LatencyChart, per, SuccessChart, Truncated, total } from "../parts/deliveries/charts.js";
import { Attention } from "../parts/overview/attention.js";
import { FirstSteps } from "../parts/overview/first-steps.js";
import { Latest } from "../parts/overview/latest.js";
import { Tiles } from "../parts/overview/tiles.js";
import { Page } from "../parts/page.js";
import { Failure, Loading } from "../parts/status/notice.js";
import { charts, longestPending, metrics } from "../stats.js";

export function Overview() {
  const [minutes, setMinutes] = useState("60");
  const counts = useLoad(async (signal) => {
    const text = await getText("/api/metrics", { signal });
    return { ...metrics(text), longestPending: longestPending(text) };
  });
  const stats = useLoad((signal) => get("/api/stats", { query: { minutes }, signal }), [minutes]);
  useEvery(pauseOf(minutes), () => {
    counts.poll();
    stats.poll();
  });
  const isNew = counts.data?.events_total === 0;
  return html`
    <${Page} title="Overview" about="How events come in, and how they reach your backend." actions=${html`<${Minutes} minutes=${minutes} choose=${setMinutes} />`}>
      ${isNew && html`<${FirstSteps} />`}
      <${Attention} metrics=${counts.data} />
      <${Failure} error=${counts.error} what="The counts were not loaded." retry=${counts.reload} />
      ${counts.data && html`<${Counts} counts=${counts.data} commit=${stats.data?.commit_ms} />`}
      <${Failure} error=${stats.error} what="The charts were not loaded." retry=${stats.reload} />
      ${!stats.data && !stats.error && html`<${Loading} what="charts" />`}
      ${stats.data && html`<${Charts} stats=${stats.data} />`}
      <${Latest} />
    <//>
  `;
}

function Counts({ counts, commit }) {
  const overdue = counts.alarm_lag_seconds;
  const tiles = [
    ["Events stored", number(counts.events_total)],
    ["Tasks in progress", number(counts.tasks_open)],
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
  return html`<${Tiles} tiles=${tiles} />`;
}

function commitNote(commit) {
  if (!commit || commit.count === 0) return "none since the shards woke";
  return `median ${duration(commit.p50)}, longest ${duration(commit.max)}, ${number(commit.count)} since the shards woke`;
}

function Charts({ stats }) {
  const { events, latency, success, counts } = useMemo(() => charts(stats), [stats]);
  return html`
    <${Truncated} stats=${stats} />
    <div class="charts">
      <${Chart}
        title=${`Events per ${per(events)}`}
        chart=${events}
        bars
        format=${number}
        total=${total}
        summary=${counts.events === 0 ? "No event in this time." : `${count(counts.events, "event")} in this time.`}
      />
      <${LatencyChart} latency=${latency} />
      <${SuccessChart} success=${success} counts=${counts} />
    </div>
  `;
}
