// Deliveries: delivered, in progress, or dead; one of them, or a range, is replayed.

import { html } from "htm/preact";
import { useId, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { get, search } from "../api.js";
import { useFeed } from "../feed.js";
import { count, duration, shortly } from "../format.js";
import { useLoad, usePages } from "../load.js";
import { Verdict } from "../parts/attempts.js";
import { State } from "../parts/badge.js";
import { NextAttempt, ReplayButton, reasonOf, Subject } from "../parts/delivery.js";
import { Gaps } from "../parts/live-state.js";
import { Empty, Failure, Loading } from "../parts/notice.js";
import { Page } from "../parts/page.js";
import { ReplayProgress, ReplayRange } from "../parts/replay-range.js";
import { Foot, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";

const STATES = {
  pending: "Pending",
  delivered: "Delivered",
  dead: "Dead letters",
  superseded: "Superseded",
};

export function Deliveries() {
  const { query, route } = useLocation();
  const { state = "", endpoint = "", replay = "" } = query;
  const filter = { state, endpoint };
  const pages = usePages("/api/deliveries", "deliveries", filter);
  const endpoints = useLoad((signal) => get("/api/endpoints", { signal }));
  const [isAsking, setAsking] = useState(false);
  const [fresher, setFresher] = useState(new Map());
  const reload = () => {
    setFresher(new Map());
    pages.reload();
  };
  const news = useNews(pages.items, filter, (changed) =>
    setFresher((known) => new Map([...known, ...changed])),
  );
  const go = (some) => route(`/deliveries${search({ ...query, ...some })}`, true);
  const known = endpoints.data?.endpoints ?? [];
  const actions = html`<button type="button" disabled=${known.length === 0} onClick=${() => setAsking(true)}>Replay a range</button>`;
  const shown = pages.items?.map((delivery) => fresher.get(delivery.id) ?? delivery);
  return html`
    <${Page} title="Deliveries" about="What your endpoints were sent, by the latest events first." actions=${actions}>
      <${Filters} filter=${filter} endpoints=${known} choose=${go} />
      ${
        replay &&
        html`<${ReplayProgress} key=${replay} id=${replay} onDone=${reload} onClose=${() => go({ replay: "" })} />`
      }
      <${Gaps} reload=${reload} />
      ${
        news.count > 0 &&
        html`<p class="news">
          <button
            type="button"
            onClick=${() => {
              news.clear();
              reload();
            }}
          >Show ${count(news.count, "newer delivery", "newer deliveries")}</button>
        </p>`
      }
      <${Failure} error=${pages.error} what="The deliveries were not loaded." retry=${reload} />
      ${shown === undefined && !pages.error && html`<${Loading} what="deliveries" />`}
      ${
        shown !== undefined &&
        html`<${List}
          shown=${shown}
          pages=${pages}
          filter=${filter}
          endpoints=${known}
          onChange=${(delivery) => setFresher((known) => new Map([...known, [delivery.id, delivery]]))}
        />`
      }
      ${
        isAsking &&
        html`<${ReplayRange}
          endpoints=${known}
          endpoint=${endpoint}
          onClose=${() => setAsking(false)}
          onBegun=${({ replay_id }) => {
            setAsking(false);
            go({ replay: replay_id });
          }}
        />`
      }
    <//>
  `;
}

/** How many rows are loaded again at a time when live updates say that they changed. */
const MOST_AT_ONCE = 5;

/** Keeps the rows shown up to date, and counts deliveries that are not among them. */
function useNews(items, filter, onFresh) {
  const [unseen, setUnseen] = useState(new Set());
  useFeed(async (messages) => {
    const hints = messages.filter(({ type }) => type === "delivery");
    if (items === undefined || hints.length === 0) return;
    const shown = new Set(items.map(({ id }) => id));
    const others = hints.filter(
      ({ delivery, state }) =>
        !shown.has(delivery) && (filter.state === "" || filter.state === state),
    );
    // Whose endpoint it is, a hint does not say.
    if (filter.endpoint === "" && others.length > 0) {
      setUnseen((known) => new Set([...known, ...others.map(({ delivery }) => delivery)]));
    }
    const changed = new Set(hints.map(({ delivery }) => delivery).filter((id) => shown.has(id)));
    const loads = [...changed].slice(-MOST_AT_ONCE).map((id) => get(`/api/deliveries/${id}`));
    const answers = await Promise.allSettled(loads);
    const fresh = answers.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
    onFresh(fresh.map((delivery) => [delivery.id, delivery]));
  });
  return { count: unseen.size, clear: () => setUnseen(new Set()) };
}

function List({ shown, pages, filter, endpoints, onChange }) {
  if (shown.length === 0 && !pages.more)
    return html`<${Nothing} filter=${filter} endpoints=${endpoints} />`;
  const urls = new Map(endpoints.map(({ id, url }) => [id, url]));
  const columns = [
    ["Delivery", ({ id }) => html`<a href=${`/deliveries/${id}`}><code>${id}</code></a>`],
    [
      "State",
      (delivery) => html`<${State} state=${delivery.state} /><${Why} delivery=${delivery} />`,
    ],
    ["Event", (delivery) => html`<${What} delivery=${delivery} />`],
    [
      "Endpoint",
      ({ endpoint }) =>
        html`<span class="long" title=${urls.get(endpoint)}>${shortly(urls.get(endpoint) ?? endpoint)}</span>`,
    ],
    ["Last attempt", ({ attempts }) => html`<${Last} attempt=${attempts.at(-1)} />`],
    ["Next attempt", (delivery) => html`<${NextAttempt} delivery=${delivery} />`],
    ["Replay", (delivery) => html`<${ReplayButton} delivery=${delivery} onDone=${onChange} />`],
  ];
  return html`
    <${Table} label="Deliveries" columns=${columns} rows=${shown} id=${({ id }) => id} busy=${pages.loading} />
    <${Foot} pages=${pages} shown=${shown.length} noun="delivery" many="deliveries" />
  `;
}

const Why = ({ delivery }) => reasonOf(delivery) && html`<small>${reasonOf(delivery)}</small>`;

function What({ delivery }) {
  const { status, event, created_at } = delivery;
  return html`
    <${Subject} delivery=${delivery} />
    <small>${status ?? event} <${Time} at=${created_at} /></small>
  `;
}

function Last({ attempt }) {
  if (attempt === undefined) return html`<span>None yet</span>`;
  return html`
    <${Verdict} attempt=${attempt} />
    <small>${duration(attempt.took_ms)}, no. ${attempt.attempt}${attempt.round > 0 ? `, replay ${attempt.round}` : ""}</small>
  `;
}

function Nothing({ filter, endpoints }) {
  if (filter.state === "dead") {
    return html`<${Empty} title="No dead letters."><p>Every delivery arrived, or is still tried.</p><//>`;
  }
  if (filter.state !== "" || filter.endpoint !== "") {
    return html`<${Empty} title="No delivery is like that."><p><a href="/deliveries">Show all deliveries</a></p><//>`;
  }
  if (endpoints.length === 0) {
    return html`<${Empty} title="Nothing is delivered yet."><p><a href="/settings/webhooks">Register an endpoint</a>, and every event that moves a task goes on to it.</p><//>`;
  }
  return html`<${Empty} title="Nothing was delivered yet."><p>Send a <a href="/settings/webhooks">test event</a> to see an endpoint answer.</p><//>`;
}

function Filters({ filter, endpoints, choose }) {
  const id = useId();
  // It may be an alert destination, or deleted.
  const isKnown = ["", ...endpoints.map(({ id }) => id)].includes(filter.endpoint);
  return html`
    <form class="filters" aria-label="Filters" onSubmit=${(event) => event.preventDefault()}>
      <div>
        <label for=${`${id}state`}>State</label>
        <select id=${`${id}state`} value=${filter.state} onChange=${(event) => choose({ state: event.target.value })}>
          <option value="">Any</option>
          ${Object.entries(STATES).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
        </select>
      </div>
      <div>
        <label for=${`${id}endpoint`}>Endpoint</label>
        <select id=${`${id}endpoint`} value=${filter.endpoint} onChange=${(event) => choose({ endpoint: event.target.value })}>
          <option value="">Any</option>
          ${endpoints.map(({ id, url }) => html`<option key=${id} value=${id}>${url}</option>`)}
          ${!isKnown && html`<option value=${filter.endpoint}>${filter.endpoint}</option>`}
        </select>
      </div>
    </form>
  `;
}
