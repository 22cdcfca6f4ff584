// What can be registered: endpoints, which take events of tasks, and alert destinations. Both are changed, rotated,
// tested and deleted alike.

import { html } from "htm/preact";
import { number } from "../../format.js";
import { DestinationFields, destinationOf, fieldsOfDestination } from "./destination-fields.js";
import { fieldsOf, inputOf, MoreFields } from "./fields.js";

export const ENDPOINT = {
  noun: "endpoint",
  path: "/api/endpoints",
  /** The field of a listing that has them. */
  list: "endpoints",
  placeholder: "https://shop.example/webhooks/vtryon",
  more: "Order, filters, headers and description",
  canPause: true,
  /** The path of its own page. */
  page: ({ id }) => `/settings/webhooks/${id}`,
  register: "Register Webhook Endpoint",
  test: "Send test event",
  fieldsOf,
  inputOf,
  Fields: MoreFields,
  /** What a card says of one beyond what all have: `[name, text]`. */
  facts: (endpoint) => [
    ["Order", endpoint.order === "latest" ? "Latest status of a task" : "All, in order"],
    ["Takes", takes(endpoint)],
    ["Limits", limits(endpoint)],
  ],
  disabled:
    "Its pending deliveries wait, and new events are not delivered to it. Enable it, and replay all from that time on.",
  empty: html`<p>Register one above. Until then events are stored and shown here, but not delivered.</p>`,
};

export const DESTINATION = {
  noun: "destination",
  path: "/api/alerts",
  list: "destinations",
  placeholder: "https://ops.example/alerts",
  more: "Format, choice and description",
  canPause: false,
  register: "Register Alert Destination",
  test: "Send test alert",
  fieldsOf: fieldsOfDestination,
  inputOf: destinationOf,
  Fields: DestinationFields,
  facts: ({ format, events }) => [
    ["Format", format === "slack" ? "Slack" : "Standard Webhooks"],
    ["Takes", events.length > 0 ? events.join(", ") : "all alerts"],
  ],
  disabled: "No alert is sent to it. Enable it when it answers again.",
  empty: html`<p>Register one above. Until then nobody is notified when something is wrong.</p>`,
};

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
