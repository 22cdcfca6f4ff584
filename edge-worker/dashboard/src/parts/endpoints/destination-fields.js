// What can be set of an alert destination: the same fields to register one and to change it, and what
// its card says of them.

import { html } from "htm/preact";
import { useId } from "preact/hooks";
import { CheckChoice, RadioChoice } from "../choices.js";
import {
  AttemptFields,
  commonFacts,
  commonFieldsOf,
  commonInput,
  DescriptionField,
} from "./common-fields.js";

/** The alerts that there are, each with what it tells of. */
export const ALERTS = {
  "gateway.endpoint_failing": "An endpoint fails",
  "gateway.endpoint_recovered": "An endpoint takes deliveries again",
  "gateway.endpoint_disabled": "An endpoint is disabled",
  "gateway.endpoint_enabled": "An endpoint is enabled again",
  "gateway.endpoint_created": "An endpoint was registered",
  "gateway.endpoint_moved": "The URL of an endpoint has another origin",
  "gateway.token_created": "A token was created",
  "gateway.delivery_dead": "A delivery has failed in all attempts",
  "gateway.event_quarantined": "A signed webhook can't be read",
  "gateway.signatures_refused": "Webhooks are refused for their signatures",
  "gateway.refusals_stopped": "No signature was refused for an hour",
  "gateway.tasks_stalled": "Tasks have stalled",
  "gateway.tasks_resumed": "No further task has stalled for a day",
  "gateway.storage_nearly_full": "The storage of a shard is nearly full",
  "gateway.storage_relieved": "No shard's storage is nearly full any more",
  "gateway.rotation_due": "A previous secret ends soon",
  "gateway.rotation_finished": "A previous secret has ended",
};

/** The fields of a new destination, or of one that there is. */
export function fieldsOfDestination(destination) {
  const { format = "standard", events = [] } = destination ?? {};
  return { ...commonFieldsOf(destination), format, events };
}

/** Returns the fields as the API takes them. */
export const destinationOf = (fields) => ({ ...fields, ...commonInput(fields) });

/** What a card says of them: `[name, text]`. */
export function factsOfDestination(destination) {
  const { format, events } = destination;
  return [
    ...commonFacts(destination),
    ["Format", format === "slack" ? "Slack" : "Standard Webhooks"],
    ["Takes", events.length > 0 ? events.join(", ") : "all alerts"],
  ];
}

export function DestinationFields({ endpoint, fields, set }) {
  const choices = { fields, set };
  const formats = { ...choices, name: useId(), field: "format" };
  return html`
    <${DescriptionField} fields=${fields} set=${set} />
    <fieldset>
      <legend>Format</legend>
      <${RadioChoice} ...${formats} value="standard" label="Standard Webhooks" about="A signed event." />
      <${RadioChoice}
        ...${formats}
        value="slack"
        label="Slack"
        about="A message to one of Slack's incoming webhooks."
      />
    </fieldset>
    <fieldset>
      <legend>Alerts</legend>
      <small>With none chosen, all.</small>
      ${Object.entries(ALERTS).map(
        ([name, label]) => html`
          <${CheckChoice} key=${name} ...${choices} field="events" value=${name} label=${label} about=${name} />
        `,
      )}
    </fieldset>
    <${AttemptFields} endpoint=${endpoint} fields=${fields} set=${set} />
  `;
}
