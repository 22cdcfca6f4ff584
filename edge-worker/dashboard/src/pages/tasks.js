// All tasks, the latest first, as they stand now.

import { html } from "htm/preact";
import { useEffect, useId, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { useEvery, usePages } from "../api/load.js";
import { search } from "../api/requests.js";
import { feed, useErased, useFeed } from "../feed.js";
import { number } from "../format.js";
import { instant, LATEST, local } from "../local-time.js";
import { FirstEvent, GatewayUrl } from "../parts/overview/first-steps.js";
import { Page } from "../parts/page.js";
import { Badge, Status } from "../parts/status/badge.js";
import { Gaps } from "../parts/status/live-state.js";
import { Empty, Failure, Loading } from "../parts/status/notice.js";
import { Foot, Table } from "../parts/table.js";
import { Relative, Time } from "../parts/time.js";
import { taskPath } from "../paths.js";
import { isFinal, STATUSES } from "../statuses.js";

const FILTERS = ["status", "stalled", "prefix", "since", "until"];
const STALLED = {
  "10m": "10 minutes",
  "30m": "30 minutes",
  "2h": "2 hours",
  "1d": "a day",
  "7d": "7 days",
};
const TIMES = [
  ["since", "Created from"],
  ["until", "And before"],
];
const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function Tasks() {
  const { query, route } = useLocation();
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query[name] ?? ""]));
  const pages = usePages("/api/tasks", "tasks", filter, () => feed?.taskStates.taken ?? 0);
  const [, update] = useState();
  useFeed(() => {
    // What came since the list was asked for is known no more: without it tasks would stand as they stood then.
    const isOld = feed.taskStates.forgottenTo > pages.mark;
    if (isOld && !pages.loading && !pages.error) pages.reload();
    update({});
  });
  // No message makes a task a stalled one.
  useEvery(60_000, () => filter.stalled !== "" && pages.poll());
  const erased = useErased(pages.items?.map(({ task_id }) => task_id));
  const listed = pages.items?.filter(({ task_id }) => !erased.has(task_id));
  const tasks = listed && current(listed, filter, pages.complete);
  const choose = (some) => route(`/tasks${search({ ...filter, ...some })}`, true);
  return html`
    <${Page}
      title="Tasks"
      about="Every try-on, model, pose and recolour that Vtryon has sent events of, the latest first."
      actions=${html`<${Open} />`}
    >
      <${Filters} filter=${filter} choose=${choose} />
      <${Gaps} reload=${pages.reload} />
      <${Failure} error=${pages.error} what="The tasks were not loaded." retry=${pages.reload} />
      ${tasks === undefined && !pages.error && html`<${Loading} what="tasks" />`}
      ${tasks !== undefined && html`<${List} tasks=${tasks} pages=${pages} filter=${filter} />`}
    <//>
  `;
}

/**
 * Lays over a listing how its tasks stand now. None is added by the beginning of ids, where the order is theirs, nor to
 * those that are stalled, which no message makes a task.
 */
function current(listed, filter, complete) {
  if (feed === undefined) return listed;
  const { prefix, stalled } = filter;
  const ids = new Set(listed.map(({ task_id }) => task_id));
  const isClosed = prefix !== "" || stalled !== "";
  const tasks = feed.taskStates.over(listed, {
    matches: (task) => (!isClosed || ids.has(task.task_id)) && matches(task, filter),
    complete,
  });
  return prefix === "" ? tasks : tasks.sort((a, b) => (a.task_id < b.task_id ? -1 : 1));
}

/** Whether a task belongs into the list, as it stands now. */
function matches(task, { status, stalled, since, until }) {
  if (status !== "" && task.status !== status) return false;
  const createdAt = Date.parse(task.created_at);
  if (since !== "" && createdAt < Date.parse(since)) return false;
  if (until !== "" && createdAt >= Date.parse(until)) return false;
  if (stalled === "") return true;
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(stalled) ?? [];
  return !isFinal(task.status) && Date.now() - Date.parse(task.updated_at) >= amount * UNITS[unit];
}

function List({ tasks, pages, filter }) {
  if (tasks.length === 0 && !pages.more) return html`<${Nothing} filter=${filter} />`;
  const columns = [
    ["Task", ({ task_id }) => html`<a class="long" href=${taskPath(task_id)}>${task_id}</a>`],
    [
      "Status",
      ({ status, conflict }) =>
        html`<${Status} status=${status} />${conflict && html` <${Badge} tone="bad">Conflict<//>`}`,
    ],
    ["Updated", ({ updated_at }) => html`<${Relative} at=${updated_at} />`],
    ["Created", ({ created_at }) => html`<${Time} at=${created_at} />`],
    ["Duplicates", ({ duplicates }) => number(duplicates)],
  ];
  return html`
    <${Table} label="Tasks" columns=${columns} rows=${tasks} id=${({ task_id }) => task_id} busy=${pages.loading} />
    <${Foot} pages=${pages} shown=${tasks.length} noun="task" />
  `;
}

function Nothing({ filter }) {
  if (filter.stalled !== "") {
    return html`<${Empty} title="No task is stalled."><p>Every task that has not ended had an event within that time.</p><//>`;
  }
  if (filter.prefix !== "" || filter.since !== "" || filter.until !== "") {
    return html`<${Empty} title="No task matches."><p><a href="/tasks">Show all tasks</a></p><//>`;
  }
  if (filter.status !== "") {
    return html`<${Empty} title=${`No task is ${filter.status}.`}><p><a href="/tasks">Show all tasks</a></p><//>`;
  }
  return html`
    <${Empty} title="No task yet.">
      <p>Paste the URL of this gateway into Settings → Webhooks of your Vtryon account. The first try-on will show up here by itself.</p>
      <${GatewayUrl} />
      <${FirstEvent} />
    <//>
  `;
}

function Filters({ filter, choose }) {
  const id = useId();
  return html`
    <form class="filters" aria-label="Filters" onSubmit=${(event) => event.preventDefault()}>
      <div>
        <label for=${`${id}status`}>Status</label>
        <select id=${`${id}status`} value=${filter.status} onChange=${(event) => choose({ status: event.target.value })}>
          <option value="">Any</option>
          ${STATUSES.map((status) => html`<option key=${status} value=${status}>${status}</option>`)}
        </select>
      </div>
      <div>
        <label for=${`${id}stalled`}>Stalled for</label>
        <select id=${`${id}stalled`} value=${filter.stalled} onChange=${(event) => choose({ stalled: event.target.value })}>
          <option value="">Any, or not at all</option>
          ${Object.entries(STALLED).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
        </select>
      </div>
      <div>
        <label for=${`${id}prefix`}>Id begins with</label>
        <${CommittedInput}
          id=${`${id}prefix`}
          type="search"
          maxlength="256"
          spellcheck="false"
          value=${filter.prefix}
          onChange=${(prefix) => choose({ prefix })}
        />
      </div>
      ${TIMES.map(
        ([name, label]) => html`
          <div key=${name}>
            <label for=${`${id}${name}`}>${label}</label>
            <${CommittedInput}
              id=${`${id}${name}`}
              type="datetime-local"
              max=${LATEST}
              value=${local(filter[name])}
              onChange=${(text) => choose({ [name]: instant(text) })}
            />
          </div>
        `,
      )}
    </form>
  `;
}

/**
 * A field whose text counts once it is complete: live updates, which draw the page anew, leave it alone until then. The
 * browser says what is wrong with a text that the field does not take.
 */
function CommittedInput({ value, onChange, ...rest }) {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  return html`
    <input
      ...${rest}
      value=${draft}
      onInput=${(event) => setDraft(event.target.value)}
      onChange=${({ target }) => target.reportValidity() && onChange(target.value)}
    />
  `;
}

/** Goes to a task by its id. */
function Open() {
  const id = useId();
  const { route } = useLocation();
  const [task, setTask] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (task.trim() !== "") route(taskPath(task.trim()));
  };
  return html`
    <form class="joined" role="search" aria-label="Open a task" onSubmit=${submit}>
      <label class="unseen" for=${id}>Task id</label>
      <input
        id=${id}
        placeholder="Task id"
        required
        maxlength="256"
        spellcheck="false"
        value=${task}
        onInput=${(event) => setTask(event.target.value)}
      />
      <button type="submit">Open</button>
    </form>
  `;
}
