// One task: its state, its events, and their deliveries.

import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useEvery, useLoad } from "../api/load.js";
import { get } from "../api/requests.js";
import { session } from "../api/session.js";
import { batches, check, feed, open } from "../feed.js";
import { number } from "../format.js";
import { Connection } from "../live/connection.js";
import { withMessage } from "../live/merge.js";
import { CopyButton } from "../parts/copy.js";
import { DeliveryItem } from "../parts/deliveries/delivery.js";
import { Page } from "../parts/page.js";
import { announce } from "../parts/status/announce.js";
import { Badge, Status } from "../parts/status/badge.js";
import { Empty, Failure, Loading, Notice } from "../parts/status/notice.js";
import { Erased, EraseTask } from "../parts/tasks/erase-task.js";
import { Result } from "../parts/tasks/result.js";
import { Steps, Timeline } from "../parts/tasks/timeline.js";
import { Time } from "../parts/time.js";
import { taskOf } from "../paths.js";
import { isFinal } from "../statuses.js";
import { useStore } from "../store.js";

export function Task({ params }) {
  const id = taskOf(params.id);
  return html`<${OneTask} key=${id} id=${id} />`;
}

function OneTask({ id }) {
  const path = `/api/tasks/${encodeURIComponent(id)}`;
  const loaded = useLoad((signal) => get(path, { signal }), [path]);
  const deliveries = useLoad(
    (signal) => get("/api/deliveries", { query: { task_id: id, limit: 100 }, signal }),
    [id],
  );
  const [version, setVersion] = useState(0);
  const change = () => {
    setVersion((version) => version + 1);
    deliveries.reload();
  };
  const reload = () => {
    loaded.reload();
    change();
  };
  const { data: task, error } = loaded;
  const wasKnown = useRef(false);
  wasKnown.current ||= task !== undefined;
  const isMissing = task === undefined && error?.code === "not_found";
  const isGone = isMissing && wasKnown.current;
  const handlers = { changeTask: loaded.change, onDelivery: change, onEnd: reload };
  const [isLive, gap] = useTaskLive(path, handlers);
  // Where there is no socket the page keeps up by asking.
  useEvery(15_000, () => {
    if (isLive || isGone) return;
    for (const { poll } of [loaded, deliveries]) poll();
    setVersion((version) => version + 1);
  });
  useStatusAnnounced(task);
  const heading = html`<span class="long">${id}</span>`;
  const [isErasing, setErasing] = useState(false);
  const [erasure, setErasure] = useState();
  const erased = (erasure) => {
    announce("The task was erased.");
    feed?.forget(id);
    setErasing(false);
    setErasure(erasure);
  };
  if (erasure !== undefined) {
    return html`<${Page} title=${`Task ${id}`} heading=${heading}><${Erased} erasure=${erasure} /><//>`;
  }
  const actions = html`
    <${CopyButton} text=${id} label="id of the task" verb="Copy id" />
    ${task && html`<button type="button" class="danger" onClick=${() => setErasing(true)}>Erase task</button>`}
  `;
  return html`
    <${Page} title=${`Task ${id}`} heading=${heading} about=${task && html`<${About} task=${task} isLive=${isLive} />`} actions=${actions}>
      ${isErasing && html`<${EraseTask} path=${path} onDone=${erased} onClose=${() => setErasing(false)} />`}
      ${gap && html`<${Notice} tone="warning" title="Some updates were missed.">They are not kept any more. What is shown is loaded anew.<//>`}
      ${!isMissing && html`<${Failure} error=${error} what=${task ? "The task was not loaded again: what is shown may be out of date." : "The task was not loaded."} retry=${reload} />`}
      ${task === undefined && error === undefined && html`<${Loading} what="the task" />`}
      ${isGone && html`<${Gone} />`}
      ${isMissing && !isGone && html`<${NoEventYet} />`}
      ${task !== undefined && html`<${Known} task=${task} deliveries=${deliveries} version=${version} onChange=${change} />`}
    <//>
  `;
}

/**
 * Follows the task; returns whether that is live, and whether something was missed. `onEnd` is called when the task was
 * erased.
 */
function useTaskLive(path, { changeTask, ...handlers }) {
  const { phase, shards } = useStore(session);
  const [isLive, setLive] = useState(false);
  const [gap, setGap] = useState(false);
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    if (phase !== "in" || shards === 0) return;
    const batch = batches((messages) => {
      const isOneOf = (...types) => messages.some(({ type }) => types.includes(type));
      if (isOneOf("snapshot", "event")) changeTask((task) => messages.reduce(withMessage, task));
      if (isOneOf("gap")) setGap(true);
      // Attempts that were made before the stream is ready are not repeated by it.
      if (isOneOf("delivery", "replay", "event", "ready")) latest.current.onDelivery();
    });
    const connection = new Connection({
      url: `${path}/live`,
      open,
      check,
      onMessage: batch.add,
      onChange: () => {
        setLive(connection.phase === "live");
        if (connection.phase === "ended") latest.current.onEnd();
      },
    });
    connection.start();
    const retry = () => connection.retryNow();
    addEventListener("online", retry);
    return () => {
      removeEventListener("online", retry);
      connection.stop();
      batch.stop();
    };
  }, [path, phase, shards]);
  return [isLive, gap];
}

function useStatusAnnounced(task) {
  const status = useRef();
  useEffect(() => {
    if (task === undefined) return;
    if (status.current !== undefined && status.current !== task.status)
      announce(`The task is ${task.status}`);
    status.current = task.status;
  }, [task?.status]);
}

function About({ task, isLive }) {
  const { phase, shards } = useStore(session);
  const isClosed = phase === "in" && shards === 0;
  return html`
    <span class="row">
      <${Status} status=${task.status} />
      ${task.conflict && html`<${Badge} tone="bad">Conflict<//>`}
      <span>created <${Time} at=${task.created_at} />, updated <${Time} at=${task.updated_at} /></span>
      <span data-tone=${isLive ? "good" : "waiting"}>${isLive ? "Live" : isClosed ? "Not live" : "Connecting…"}</span>
    </span>
  `;
}

function NoEventYet() {
  return html`
    <${Empty} title="No event of this task has been received yet.">
      <p>This page stays connected: its first event will show up here. If it should have come by now, look whether it was <a href="/rejections">rejected</a> or is in <a href="/quarantine">quarantine</a>.</p>
    <//>
  `;
}

/** What is shown of a task that was here before. */
function Gone() {
  return html`
    <${Empty} title="This task is not stored any more.">
      <p>It was erased, or its events are older than what is kept. <a href="/tasks">All tasks</a></p>
    <//>
  `;
}

function Known({ task, deliveries, version, onChange }) {
  return html`
    <section class="card" aria-label="Status"><${Steps} task=${task} /></section>
    ${
      task.conflict &&
      html`<${Notice} tone="warning" title="Vtryon said both completed and failed.">
        What came first counts, and is what your backend received. Ask Vtryon which is right.
      <//>`
    }
    ${isFinal(task.status) && html`<section class="card"><h2>Result</h2><${Result} task=${task} /></section>`}
    <div class="columns">
      <section class="card">
        <header>
          <h2>Timeline</h2>
          <span>${number(task.duplicates)} ${task.duplicates === 1 ? "duplicate" : "duplicates"}</span>
        </header>
        ${task.truncated && html`<p><small>The latest 100 events; earlier ones are not shown.</small></p>`}
        <${Timeline} task=${task} />
        ${task.duplicates > 0 && html`<p><small>Repeats of events that were stored already: acknowledged, counted, and otherwise without effect.</small></p>`}
      </section>
      <section class="card">
        <h2>Deliveries</h2>
        <${OfTask} deliveries=${deliveries} version=${version} onChange=${onChange} />
      </section>
    </div>
  `;
}

function OfTask({ deliveries: { data, error, reload }, version, onChange }) {
  const endpoints = useLoad((signal) => get("/api/endpoints", { signal }));
  const failure = html`<${Failure} error=${error} what="The deliveries were not loaded." retry=${reload} />`;
  if (data === undefined) return error ? failure : html`<${Loading} what="deliveries" />`;
  if (data.deliveries.length === 0) {
    return html`${failure}<p>None: no endpoint took these events. <a href="/settings/webhooks">Register one</a>, or look at its filters.</p>`;
  }
  const byId = new Map(endpoints.data?.endpoints.map((endpoint) => [endpoint.id, endpoint]));
  return html`
    ${failure}
    <div>
      ${data.deliveries.map(
        (delivery) => html`
          <${DeliveryItem}
            key=${delivery.id}
            delivery=${delivery}
            endpoint=${byId.get(delivery.endpoint)}
            open=${delivery.state === "dead"}
            version=${version}
            onChange=${onChange}
          />
        `,
      )}
    </div>
  `;
}
