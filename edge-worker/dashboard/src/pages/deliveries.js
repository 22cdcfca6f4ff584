// Deliveries: delivered, in progress, or dead; one of them, or a range, is replayed.

import { html } from "htm/preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { useLoad, usePages } from "../api/load.js";
import { get, search } from "../api/requests.js";
import { session } from "../api/session.js";
import { useErased, useFeed, useResumed } from "../feed.js";
import { count, duration, number, withoutScheme } from "../format.js";
import { MOST_LACKING, newsOf } from "../live/delivery-news.js";
import { Reloading } from "../live/reloading.js";
import { Verdict } from "../parts/deliveries/attempts.js";
import { NextAttempt, ReplayButton, reasonOf, Subject } from "../parts/deliveries/delivery.js";
import { ReplayProgress, ReplayRange } from "../parts/deliveries/replay-range.js";
import { Page } from "../parts/page.js";
import { State } from "../parts/status/badge.js";
import { Gaps } from "../parts/status/live-state.js";
import { Empty, Failure, Loading } from "../parts/status/notice.js";
import { Foot, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { useStore } from "../store.js";

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
  const news = useNews(pages, filter);
  const reload = () => {
    news.clear();
    pages.reload();
  };
  useResumed(reload);
  const go = (some) => route(`/deliveries${search({ ...query, ...some })}`, true);
  const registered = endpoints.data?.endpoints;
  const known = registered ?? [];
  const actions = html`<button type="button" disabled=${known.length === 0} onClick=${() => setAsking(true)}>Replay a range</button>`;
  const erased = useErased(pages.items?.flatMap(({ task_id }) => task_id ?? []));
  const shown = pages.items
    ?.filter(({ task_id }) => !erased.has(task_id))
    .map((delivery) => news.fresher.get(delivery.id) ?? delivery);
  return html`
    <${Page} title="Deliveries" about="What your endpoints were sent, by the latest events first." actions=${actions}>
      <${Filters} filter=${filter} endpoints=${known} choose=${go} />
      <${Failure} error=${endpoints.error} what="The endpoints were not loaded." retry=${endpoints.reload} />
      ${
        replay &&
        html`<${ReplayProgress} key=${replay} id=${replay} onDone=${reload} onClose=${() => go({ replay: "" })} />`
      }
      <${Gaps} reload=${reload} />
      ${
        news.lacking > 0 &&
        html`<p class="news"><button type="button" onClick=${reload}>Show ${newer(news.lacking)}</button></p>`
      }
      <${Failure} error=${pages.error} what="The deliveries were not loaded." retry=${reload} />
      ${shown === undefined && !pages.error && html`<${Loading} what="deliveries" />`}
      ${
        shown !== undefined &&
        html`<${List}
          shown=${shown}
          pages=${pages}
          filter=${filter}
          endpoints=${registered}
          onChange=${news.replaced}
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

/**
 * Keeps the rows of a list up to date, and counts deliveries that it lacks. Returns the rows that have changed, by their
 * ids, and how many it lacks.
 */
function useNews({ items, complete, loading, loadingMore }, filter) {
  const [fresher, setFresher] = useState(new Map());
  const [lacking, setLacking] = useState(new Set());
  const begun = useRef(new Map());
  // What came while rows were loading: the answer may be older.
  const early = useRef([]);
  const isLoading = loading || loadingMore;
  const update = (deliveries) => {
    const changed = deliveries.map((delivery) => [delivery.id, delivery]);
    setFresher((known) => new Map([...known, ...changed]));
  };
  const reloading = useRef();
  reloading.current ??= new Reloading({
    load: (id) => get(`/api/deliveries/${id}`),
    onLoaded: update,
  });
  /** Takes what a change by hand has answered; what was asked for before it is asked for again. */
  const replaced = (delivery) => {
    update([delivery]);
    reloading.current.add([delivery.id]);
  };
  const clear = () => {
    setFresher(new Map());
    setLacking(new Set());
    begun.current = new Map();
    early.current = [];
    reloading.current.clear();
  };
  // What was said of another list, or before the list was loaded again after a sign-in, is no news of this one.
  const { generation } = useStore(session);
  useEffect(clear, [filter.state, filter.endpoint, generation]);
  const take = (messages) => {
    if (items === undefined) return;
    const list = { rows: items, complete, filter, lacking, begun: begun.current };
    const news = newsOf(messages, list);
    if (news.lacking.size + lacking.size > 0) setLacking(news.lacking);
    reloading.current.add(news.unsure);
    if (news.states.size === 0) return;
    // The state at once, and all else as soon as it is loaded.
    const rows = items.filter(({ id }) => news.states.has(id));
    update(
      rows.map((row) => ({ ...(fresher.get(row.id) ?? row), state: news.states.get(row.id) })),
    );
    reloading.current.add(news.states.keys());
  };
  useFeed((messages) => {
    if (isLoading) early.current.push(...messages);
    else take(messages);
  });
  useEffect(() => {
    if (!isLoading) take(early.current.splice(0));
  }, [isLoading]);
  return { fresher, replaced, lacking: lacking.size, clear };
}

/** Says how many deliveries a list lacks. */
const newer = (lacking) =>
  lacking < MOST_LACKING
    ? count(lacking, "newer delivery", "newer deliveries")
    : `${number(MOST_LACKING)}+ newer deliveries`;

function List({ shown, pages, filter, endpoints, onChange }) {
  if (shown.length === 0 && !pages.more)
    return html`<${Nothing} filter=${filter} endpoints=${endpoints} />`;
  const urls = new Map(endpoints?.map(({ id, url }) => [id, url]));
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
        html`<span class="long" title=${urls.get(endpoint)}>${withoutScheme(urls.get(endpoint) ?? endpoint)}</span>`,
    ],
    ["Last attempt", ({ attempts }) => html`<${Last} attempt=${attempts.at(-1)} />`],
    ["Next attempt", (delivery) => html`<${NextAttempt} delivery=${delivery} />`],
    ["Action", (delivery) => html`<${ReplayButton} delivery=${delivery} onDone=${onChange} />`],
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
    <small><span class="long">${status ?? event}</span> <${Time} at=${created_at} /></small>
  `;
}

function Last({ attempt }) {
  if (attempt === undefined) return html`<span>None yet</span>`;
  return html`
    <${Verdict} attempt=${attempt} />
    <small>${duration(attempt.took_ms)}, no. ${attempt.attempt}${attempt.replay_count > 0 ? `, replay ${attempt.replay_count}` : ""}</small>
  `;
}

function Nothing({ filter, endpoints }) {
  if (filter.state === "dead") {
    return html`<${Empty} title="No dead letters."><p>Every delivery arrived, or is still tried.</p><//>`;
  }
  if (filter.state !== "" || filter.endpoint !== "") {
    return html`<${Empty} title="No delivery is like that."><p><a href="/deliveries">Show all deliveries</a></p><//>`;
  }
  if (endpoints === undefined) return html`<${Empty} title="Nothing was delivered yet." />`;
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
