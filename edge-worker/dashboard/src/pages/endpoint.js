// One endpoint: charts of its deliveries, its load, its settings, and all that can be done about it.

import { html } from "htm/preact";
import { useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { useEvery, useLoad } from "../api/load.js";
import { get } from "../api/requests.js";
import { count, number } from "../format.js";
import { Chart } from "../parts/charts/chart.js";
import { Minutes, pauseOf } from "../parts/charts/minutes.js";
import { LatencyChart, per, SuccessChart, Truncated, total } from "../parts/deliveries/charts.js";
import { EndpointCard } from "../parts/endpoints/card.js";
import { ENDPOINT } from "../parts/endpoints/kinds.js";
import { Tiles } from "../parts/overview/tiles.js";
import { Page } from "../parts/page.js";
import { Empty, Failure, Loading } from "../parts/status/notice.js";
import { charts } from "../stats.js";

export function Endpoint({ params }) {
  return html`<${OneEndpoint} key=${params.id} id=${params.id} />`;
}

function OneEndpoint({ id }) {
  const [minutes, setMinutes] = useState("60");
  const [secret, setSecret] = useState();
  const { route } = useLocation();
  const path = `${ENDPOINT.path}/${encodeURIComponent(id)}`;
  const { data, error, reload, poll, change } = useLoad((signal) => get(path, { signal }), [path]);
  useEvery(20_000, poll);
  const changed = (endpoint) =>
    endpoint ? change(() => endpoint) : route("/settings/webhooks", true);
  return html`
    <${Page}
      title=${`Endpoint ${id}`}
      heading=${html`Endpoint <code>${id}</code>`}
      about="Its deliveries, its load and its settings."
      actions=${data && html`<${Minutes} minutes=${minutes} choose=${setMinutes} />`}
    >
      ${data === undefined && !error && html`<${Loading} what="the endpoint" />`}
      ${
        error?.code === "not_found"
          ? html`<${Empty} title="There is no such endpoint."><p>It may have been deleted. See <a href="/settings/webhooks">all endpoints</a>.</p><//>`
          : html`<${Failure} error=${error} what="The endpoint was not loaded." retry=${reload} />`
      }
      ${data && html`<${Health} id=${id} minutes=${minutes} />`}
      ${
        data &&
        html`<${EndpointCard} kind=${ENDPOINT} endpoint=${data} secret=${secret} onSecret=${setSecret} onChange=${changed} isPage />`
      }
    <//>
  `;
}

function Health({ id, minutes }) {
  const query = { minutes, endpoint: id };
  const { data, error, reload, poll } = useLoad(
    (signal) => get("/api/stats", { query, signal }),
    [query],
  );
  useEvery(pauseOf(minutes), poll);
  return html`
    <${Failure} error=${error} what="The charts were not loaded." retry=${reload} />
    ${!data && !error && html`<${Loading} what="charts" />`}
    ${data && html`<${Charts} id=${id} stats=${data} />`}
  `;
}

function Charts({ id, stats }) {
  const { deliveries, latency, success, counts } = useMemo(() => charts(stats), [stats]);
  const { in_flight, due } = stats.endpoint;
  const listed = (state) => `/deliveries?endpoint=${id}&state=${state}`;
  const tiles = [
    ["Attempts in flight", number(in_flight)],
    ["Due, not attempted yet", number(due), listed("pending")],
    ["Delivered", number(counts.delivered), listed("delivered"), "of events in this time"],
    ["Dead letters", number(counts.dead), listed("dead"), "of events in this time"],
  ];
  return html`
    <${Tiles} tiles=${tiles} />
    <${Truncated} stats=${stats} />
    <div class="charts">
      <${Chart}
        title=${`Deliveries per ${per(deliveries)}, by state`}
        chart=${deliveries}
        bars
        format=${number}
        total=${total}
        summary=${counts.deliveries === 0 ? "No delivery in this time." : `${count(counts.deliveries, "delivery", "deliveries")} in this time.`}
      />
      <${LatencyChart} latency=${latency} />
      <${SuccessChart} success=${success} counts=${counts} />
    </div>
  `;
}
