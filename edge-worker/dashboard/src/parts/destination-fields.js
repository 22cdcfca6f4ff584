// What can be set of an alert destination: the same fields to register one and to change it.

import { html } from "htm/preact";
import { useId } from "preact/hooks";
import { CredentialFields, credentialsInput, credentialsOf } from "./endpoint-credentials.js";
import { DescriptionField, TimeoutField } from "./endpoint-fields.js";

/** The alerts that there are, each with what it tells of. */
const ALERTS = {
  "gateway.endpoint_failing": "An endpoint fails",
  "gateway.endpoint_recovered": "An endpoint takes deliveries again",
  "gateway.endpoint_disabled": "An endpoint is disabled",
  "gateway.endpoint_enabled": "An endpoint is enabled again",
  "gateway.endpoint_created": "An endpoint was registered",
  "gateway.token_created": "A token was created",
  "gateway.delivery_dead": "A delivery has failed in all attempts",
  "gateway.event_quarantined": "A signed webhook can't be read",
  "gateway.signatures_refused": "Webhooks are refused for their signatures",
  "gateway.tasks_stalled": "Tasks have stalled",
  "gateway.tasks_resumed": "No further task has stalled for a day",
  "gateway.rotation_due": "A previous secret ends soon",
  "gateway.rotation_finished": "A previous secret has ended",
};

/** The fields of a new destination, or of one that there is. */
export function fieldsOfDestination(destination) {
  const { url = "", description = "", format = "standard" } = destination ?? {};
  const { events = [], timeout_seconds = 10 } = destination ?? {};
  return { url, description, format, events, timeout_seconds, ...credentialsOf(destination) };
}

/** Returns the fields as the API takes them. */
export function destinationOf({ timeout_seconds, ...fields }) {
  return { ...fields, timeout_seconds: Number(timeout_seconds), ...credentialsInput(fields) };
}

export function DestinationFields({ endpoint, fields, set }) {
  const id = useId();
  const toggle = (name) => (event) => {
    const others = fields.events.filter((other) => other !== name);
    set({ events: event.target.checked ? [...others, name] : others });
  };
  const format = (name, label, about) => html`
    <label class="choice">
      <input
        type="radio"
        name=${`${id}format`}
        checked=${fields.format === name}
        onChange=${() => set({ format: name })}
      />
      <span>${label} <small>${about}</small></span>
    </label>
  `;
  return html`
    <${DescriptionField} fields=${fields} set=${set} />
    <fieldset>
      <legend>Format</legend>
      ${format("standard", "Standard Webhooks", "A signed event.")}
      ${format("slack", "Slack", "A message to one of Slack's incoming webhooks.")}
    </fieldset>
    <fieldset>
      <legend>Alerts</legend>
      <small>With none chosen, all.</small>
      ${Object.entries(ALERTS).map(
        ([name, label]) => html`
          <label class="choice" key=${name}>
            <input type="checkbox" checked=${fields.events.includes(name)} onChange=${toggle(name)} />
            <span>${label} <small>${name}</small></span>
          </label>
        `,
      )}
    </fieldset>
    <${TimeoutField} fields=${fields} set=${set} />
    <${CredentialFields} endpoint=${endpoint} fields=${fields} set=${set} />
  `;
}
