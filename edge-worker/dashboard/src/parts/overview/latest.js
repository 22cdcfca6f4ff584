// What has changed last: events as they come, and before those how the latest tasks stand.

import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { feed, useFeed } from "../../feed.js";
import { taskPath } from "../../paths.js";
import { Outcome, Status } from "../status/badge.js";
import { Time } from "../time.js";

const MOST_SHOWN = 12;

export function Latest() {
  const [, update] = useState();
  useFeed(() => update({}));
  const changes = latest();
  return html`
    <section class="card">
      <header><h2>Latest changes</h2><a href="/tasks">All tasks</a></header>
      ${changes.length === 0 && html`<p>None yet. The next one shows up here by itself.</p>`}
      <ul class="changes" aria-label="Latest changes">
        ${changes.map((change) => html`<${Change} key=${change.id} change=${change} />`)}
      </ul>
    </section>
  `;
}

function latest() {
  if (feed === undefined) return [];
  const events = feed.events.map((event) => ({ ...event, id: `${event.shard}.${event.seq}` }));
  const shown = new Set(events.map(({ task_id }) => task_id));
  const tasks = feed.taskStates
    .over([], { complete: true, matches: ({ task_id }) => !shown.has(task_id) })
    .map((task) => ({ ...task, id: task.task_id, received_at: task.updated_at }));
  const byTime = (a, b) => Date.parse(b.received_at) - Date.parse(a.received_at);
  return [...events, ...tasks].sort(byTime).slice(0, MOST_SHOWN);
}

function Change({ change: { task_id, status, event, outcome = "applied", received_at } }) {
  return html`
    <li>
      <${Time} at=${received_at} />
      ${
        task_id === null
          ? html`<a href="/quarantine">a body that can't be read</a>`
          : html`<a class="long" href=${taskPath(task_id)}>${task_id}</a>`
      }
      <span class="aside">
        ${status === null ? event && html`<code>${event}</code>` : html`<${Status} status=${status} />`}
        ${outcome !== "applied" && html`<${Outcome} outcome=${outcome} />`}
      </span>
    </li>
  `;
}
