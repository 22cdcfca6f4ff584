// One delivery: whereto, how it stands, its attempts, and a button that delivers once more.

import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { onlyOnce, useAction, useLoad } from "../../api/load.js";
import { get, send } from "../../api/requests.js";
import { count, sentence, withoutScheme } from "../../format.js";
import { taskPath } from "../../paths.js";
import { announce } from "../status/announce.js";
import { State } from "../status/badge.js";
import { Failure, Loading } from "../status/notice.js";
import { Relative, Time, useNow } from "../time.js";
import { Attempts, Verdict } from "./attempts.js";
import { Request } from "./request.js";

const REASONS = {
  exhausted: "all six attempts failed",
  aborted_by_receiver: "its receiver asked for no further attempt",
  endpoint_deleted: "the endpoint was deleted",
  endpoint_disabled: "the endpoint stayed disabled until the event was no longer kept",
  pruned: "the event is not kept any more",
  secret_unreadable:
    "the endpoint's secret or headers can't be opened: renew them, or set the former master key",
};

/** Why a delivery is dead or held, in words. */
export function reasonOf({ reason }) {
  return reason && (REASONS[reason] ?? sentence(reason));
}

/** What was delivered: an event of a task, a body that can't be read, or an alert. */
export function Subject({ delivery: { task_id, outcome } }) {
  if (task_id !== null) return html`<a class="long" href=${taskPath(task_id)}>${task_id}</a>`;
  if (outcome === "alert") return html`<a href="/settings/alerts">an alert</a>`;
  return html`<a href="/quarantine">a body that can't be read</a>`;
}

/** When the next attempt is due, or why there is none. */
export function NextAttempt({ delivery }) {
  if (delivery.state !== "pending") return html`<span>None</span>`;
  if (delivery.due_at === null) return html`<span>In progress</span>`;
  return html`<${Due} at=${delivery.due_at} />`;
}

/** One that is overdue has its turn as soon as its endpoint answers again, or is asked again. */
function Due({ at }) {
  const now = useNow(5000);
  if (Date.parse(at) > now) return html`<${Relative} at=${at} />`;
  return html`<time datetime=${at} title=${at}>Due now</time>`;
}

/** Delivers once more, or now what is pending; `onDone` is given the delivery as it is then. */
export function ReplayButton({ delivery, onDone }) {
  const action = delivery.state === "pending" ? "Attempt now" : "Replay";
  const [run, busy, error] = useAction(async () => {
    const replayed = await send("POST", `/api/deliveries/${delivery.id}/replay`);
    announce(`Delivery ${delivery.id} is due`);
    onDone(replayed);
  });
  return html`
    <button type="button" aria-disabled=${busy} aria-label=${`${action}: ${delivery.id}`} onClick=${onlyOnce(run)}>
      ${busy ? "Asking…" : action}
    </button>
    <${Failure} error=${error} what="It is not due now." />
  `;
}

/**
 * A delivery that unfolds; what it was answered is loaded when it is looked at, again whenever `version` changes.
 * `onChange` is called when it was replayed.
 */
export function DeliveryItem({ delivery, endpoint, open = false, version, onChange }) {
  const [isOpen, setOpen] = useState(open);
  const last = delivery.attempts.at(-1);
  return html`
    <details class="delivery" open=${isOpen} onToggle=${(event) => setOpen(event.target.open)}>
      <summary>
        <${State} state=${delivery.state} />
        <span class="long" title=${endpoint?.url}>${withoutScheme(endpoint?.url ?? delivery.endpoint)}</span>
        <span class="aside">${delivery.status ?? delivery.event ?? "body"}${last && html`<${Verdict} attempt=${last} />`}</span>
      </summary>
      ${isOpen && html`<${LoadedDetails} id=${delivery.id} version=${version} onChange=${onChange} />`}
    </details>
  `;
}

function LoadedDetails({ id, version, onChange }) {
  const load = (signal) => get(`/api/deliveries/${id}`, { signal });
  const { data, error, reload, change } = useLoad(load, [id], version);
  const replayed = (delivery) => {
    change(() => delivery);
    onChange(delivery);
  };
  return html`
    <${Failure} error=${error} what="The delivery was not loaded." retry=${reload} />
    ${data === undefined && !error && html`<${Loading} what="the delivery" />`}
    ${data && html`<${DeliveryDetails} delivery=${data} onReplayed=${replayed} />`}
  `;
}

/** All of a delivery; `onReplayed` is given it as it is then. */
export function DeliveryDetails({ delivery, onReplayed }) {
  const { id } = delivery;
  return html`
    <div class="body">
      <dl class="facts">
        <div><dt>Delivery</dt><dd><a href=${`/deliveries/${id}`}><code>${id}</code></a></dd></div>
        <div><dt>Webhook id</dt><dd><code class="long">${delivery.webhook_id}</code></dd></div>
        <div><dt>Enqueued</dt><dd><${Time} at=${delivery.created_at} /></dd></div>
        <div><dt>Ended</dt><dd>${delivery.ended_at ? html`<${Time} at=${delivery.ended_at} />` : "Not yet"}</dd></div>
        <div><dt>Next attempt</dt><dd><${NextAttempt} delivery=${delivery} /></dd></div>
        <div><dt>Replays</dt><dd>${count(delivery.replay_count, "time")}</dd></div>
        ${delivery.reason && html`<div><dt>Reason</dt><dd>${reasonOf(delivery)}</dd></div>`}
      </dl>
      <${Attempts} attempts=${delivery.attempts} />
      <${Request} delivery=${delivery} />
      <div class="actions"><${ReplayButton} delivery=${delivery} onDone=${onReplayed} /></div>
    </div>
  `;
}
