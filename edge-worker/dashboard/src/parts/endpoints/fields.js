// What can be set of an endpoint: the same fields to register one and to change it, and what its card says of them.

import { html } from "htm/preact";
import { useId } from "preact/hooks";
import { number } from "../../format.js";
import { STATUSES } from "../../statuses.js";
import { CheckChoice, RadioChoice } from "../choices.js";
import {
  AttemptFields,
  commonFacts,
  commonFieldsOf,
  commonInput,
  DescriptionField,
} from "./common-fields.js";

/** The fields of a new endpoint, or of one that there is. */
export function fieldsOf(endpoint) {
  const { order = "latest", statuses = [], events = [], include = [] } = endpoint ?? {};
  const others = statuses.filter((status) => !STATUSES.includes(status));
  return {
    ...commonFieldsOf(endpoint),
    order,
    statuses,
    others: others.join(", "),
    events: events.join(", "),
    include,
    max_in_flight: endpoint?.max_in_flight ?? "",
    attempts_per_second: endpoint?.attempts_per_second ?? "",
  };
}

/** Returns the fields as the API takes them. */
export function inputOf({ statuses, others, events, ...fields }) {
  const known = STATUSES.filter((status) => statuses.includes(status));
  return {
    ...fields,
    ...commonInput(fields),
    statuses: [...known, ...names(others)],
    events: names(events),
    max_in_flight: limit(fields.max_in_flight),
    attempts_per_second: limit(fields.attempts_per_second),
  };
}

/** What a card says of them: `[name, text]`. */
export function factsOf(endpoint) {
  return [
    ...commonFacts(endpoint),
    ["Order", endpoint.order === "latest" ? "Latest status of a task" : "All, in order"],
    ["Takes", takes(endpoint)],
    ["Limits", limits(endpoint)],
  ];
}

const limit = (text) => (text === "" ? null : Number(text));

const names = (text) => [...new Set(text.split(",").map((name) => name.trim()))].filter(Boolean);

function limits({ max_in_flight, attempts_per_second }) {
  const set = [
    max_in_flight && `${number(max_in_flight)} at the same time`,
    attempts_per_second && `${number(attempts_per_second)} per second`,
  ];
  return set.filter(Boolean).join(", ") || "none";
}

function takes({ statuses, events, include }) {
  return [
    statuses.length > 0 ? statuses.join(", ") : "all statuses",
    events.length > 0 ? `only ${events.join(", ")}` : "",
    ...include.map((what) =>
      what === "unknown" ? "what the guide does not name" : "bodies that can't be read",
    ),
  ]
    .filter(Boolean)
    .join("; ");
}

/** `endpoint` is the one that is changed; a new one has none. */
export function MoreFields({ endpoint, fields, set }) {
  const id = useId();
  const text = (field) => (event) => set({ [field]: event.target.value });
  const choices = { fields, set };
  const orders = { ...choices, name: `${id}order`, field: "order" };
  const include = { ...choices, field: "include" };
  return html`
    <${DescriptionField} fields=${fields} set=${set} />
    <fieldset>
      <legend>Order</legend>
      <${RadioChoice}
        ...${orders}
        value="latest"
        label="Latest"
        about="A newer status takes the place of older ones that were not delivered yet."
      />
      <${RadioChoice} ...${orders} value="all" label="All" about="Each status is delivered, in order." />
    </fieldset>
    <fieldset>
      <legend>Statuses</legend>
      <small>With none chosen, all four.</small>
      <div class="row">
        ${STATUSES.map(
          (status) => html`
            <${CheckChoice} key=${status} ...${choices} field="statuses" value=${status} label=${status} />
          `,
        )}
      </div>
      <label for=${`${id}others`}>Other statuses, with commas between</label>
      <input id=${`${id}others`} value=${fields.others} onInput=${text("others")} />
    </fieldset>
    <div class="field">
      <label for=${`${id}events`}>Only events by these names, with commas between</label>
      <input id=${`${id}events`} value=${fields.events} placeholder="any" onInput=${text("events")} />
    </div>
    <fieldset>
      <legend>Deliver as well</legend>
      <${CheckChoice}
        ...${include}
        value="unknown"
        label="Statuses and events that the guide does not name"
      />
      <${CheckChoice} ...${include} value="quarantined" label="Signed bodies that can't be read" />
    </fieldset>
    <${LimitFields} fields=${fields} set=${set} />
    <${AttemptFields} endpoint=${endpoint} fields=${fields} set=${set} />
  `;
}

function LimitFields({ fields, set }) {
  const id = useId();
  const input = (field, label) => html`
    <div class="field">
      <label for=${id + field}>${label}</label>
      <input
        id=${id + field}
        name=${field}
        type="number"
        min="1"
        max="10000"
        placeholder="no limit"
        aria-describedby=${`${id}about`}
        value=${fields[field]}
        onInput=${(event) => set({ [field]: event.target.value })}
      />
    </div>
  `;
  return html`
    <fieldset>
      <legend>Limits</legend>
      <small id=${`${id}about`}>Divided among the shards. What is beyond waits in order.</small>
      ${input("max_in_flight", "Attempts at the same time")}
      ${input("attempts_per_second", "Attempts per second")}
    </fieldset>
  `;
}
