// The timeline of a task: its state, and every event of it.

import { html } from "htm/preact";
import { duration } from "../../format.js";
import { isFinal } from "../../statuses.js";
import { Outcome, Status } from "../status/badge.js";
import { Time } from "../time.js";

/** What an event that did not move the task means; the usual needs no words. */
const MEANINGS = {
  late: "Came after the task was further on. It is kept and moved nothing.",
  conflict: "Contradicts the final status that came first, which stands.",
  unknown: "Vtryon's guide does not name it. It is kept and moved nothing.",
};

/** The way from queued to the end, as far as it has come. */
export function Steps({ task }) {
  const steps = stepsOf(task);
  return html`
    <ol class="steps" aria-label="Progress">
      ${steps.map(
        ({ name, tone, at, took, note }) => html`
          <li key=${name} data-step=${tone} aria-current=${tone === "now" ? "step" : undefined}>
            <strong>${name}</strong>
            <span>${at ? html`<${Time} at=${at} />` : note}</span>
            ${at && note && html`<span>${note}</span>`}
            ${took !== undefined && html`<small>after ${duration(took)}</small>`}
          </li>
        `,
      )}
    </ol>
  `;
}

function stepsOf(task) {
  const eventOf = (status) =>
    task.events.find(
      (event) => event.status === status && event.outcome !== "conflict" && isOurs(event),
    );
  const isOver = isFinal(task.status);
  const [queued, processing] = ["queued", "processing"].map(eventOf);
  const end = isOver ? eventOf(task.status) : undefined;
  const before = (event) =>
    event?.outcome === "applied" ? Date.parse(event.received_at) : undefined;
  const since = (event, ...earlier) => {
    const from = earlier.map(before).find((at) => at !== undefined);
    return event?.outcome === "applied" && from !== undefined
      ? Date.parse(event.received_at) - from
      : undefined;
  };
  return [
    step(task, "Queued", queued, task.status === "queued", task.status !== null),
    {
      ...step(task, "Processing", processing, task.status === "processing", isOver),
      took: since(processing, queued),
    },
    isOver
      ? {
          name: task.status === "completed" ? "Completed" : "Failed",
          tone: task.status === "completed" ? "good" : "bad",
          at: end?.received_at,
          note: task.conflict ? "contradicted later" : undefined,
          took: since(end, processing, queued),
        }
      : { name: "Completed or failed", tone: "ahead", note: "not yet" },
  ];
}

function step(task, name, event, isNow, isPast) {
  const tone = isNow ? "now" : event || isPast ? "done" : "ahead";
  const late = event?.outcome === "late" ? "received out of order" : undefined;
  return { name, tone, at: event?.received_at, note: event ? late : withoutEvent() };

  function withoutEvent() {
    if (!isNow && !isPast) return "not yet";
    // It may be one of the events that are not shown.
    return task.truncated ? undefined : "not received";
  }
}

const isOurs = ({ event }) => event === "generation.status_changed";

/** Every event in the order in which it was stored. */
export function Timeline({ task }) {
  return html`
    <ol class="timeline" aria-label="Timeline">
      ${task.events.map(
        (event, index) =>
          html`<${Entry} key=${event.seq} event=${event} previous=${task.events[index - 1]} />`,
      )}
    </ol>
  `;
}

function Entry({ event, previous }) {
  const passed = previous && Date.parse(event.received_at) - Date.parse(previous.received_at);
  return html`
    <li data-outcome=${event.outcome}>
      <div>
        ${event.status === null ? html`<code>${event.event}</code>` : html`<${Status} status=${event.status} />`}
        ${!isOurs(event) && event.status !== null && html`<code>${event.event}</code>`}
        ${event.outcome !== "applied" && html`<${Outcome} outcome=${event.outcome} />`}
      </div>
      ${MEANINGS[event.outcome] && html`<p>${MEANINGS[event.outcome]}</p>`}
      <small>
        <${Time} at=${event.received_at} />
        ${passed > 0 && html`<span>${duration(passed)} later</span>`}
        <span>signed by <code title="Fingerprint of the secret">${event.key}</code></span>
      </small>
    </li>
  `;
}
