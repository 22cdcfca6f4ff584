// One delivery with all its attempts.

import { html } from "htm/preact";
import { useLoad } from "../api/load.js";
import { get } from "../api/requests.js";
import { useFeed } from "../feed.js";
import { partsOf } from "../live/delivery-news.js";
import { DeliveryDetails, reasonOf, Subject } from "../parts/deliveries/delivery.js";
import { ENDPOINT } from "../parts/endpoints/kinds.js";
import { Page } from "../parts/page.js";
import { Outcome, State, Status } from "../parts/status/badge.js";
import { Empty, Failure, Loading } from "../parts/status/notice.js";

export function Delivery({ params }) {
  return html`<${OneDelivery} key=${params.id} id=${params.id} />`;
}

function OneDelivery({ id }) {
  const path = `/api/deliveries/${encodeURIComponent(id)}`;
  const { data, error, reload, change } = useLoad((signal) => get(path, { signal }), [path]);
  // Of attempts that were made before its shard was ready no hint comes.
  const mayHaveChanged = ({ type, shard, resumed }) =>
    type === "ready" && shard === partsOf(id).shard && (resumed || !data?.ended_at);
  useFeed((messages) => {
    if (messages.some((message) => message.delivery === id || mayHaveChanged(message))) reload();
  });
  return html`
    <${Page} title=${`Delivery ${id}`} heading=${html`<code class="long">${id}</code>`} about=${data && html`<${About} delivery=${data} />`}>
      ${data === undefined && !error && html`<${Loading} what="the delivery" />`}
      ${
        error?.code === "not_found"
          ? html`<${Empty} title="There is no such delivery."><p>It may have gone with its event, when its time to be kept was over. See <a href="/deliveries">all deliveries</a>.</p><//>`
          : html`<${Failure} error=${error} what="The delivery was not loaded." retry=${reload} />`
      }
      ${data && html`<section class="card"><${DeliveryDetails} delivery=${data} onReplayed=${(replayed) => change(() => replayed)} /></section>`}
    <//>
  `;
}

function About({ delivery }) {
  const { status, event, outcome, endpoint } = delivery;
  return html`
    <span class="row">
      <${State} state=${delivery.state} />
      ${reasonOf(delivery) && html`<span>${reasonOf(delivery)}</span>`}
      ${status === null ? event && html`<code>${event}</code>` : html`<${Status} status=${status} />`}
      ${outcome !== "applied" && html`<${Outcome} outcome=${outcome} />`}
      <span>of <${Subject} delivery=${delivery} /></span>
      <span>to <a href=${outcome === "alert" ? "/settings/alerts" : ENDPOINT.page({ id: endpoint })}>${endpoint}</a></span>
    </span>
  `;
}
