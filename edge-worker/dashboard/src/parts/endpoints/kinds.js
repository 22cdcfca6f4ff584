// What can be registered: endpoints, which take events of tasks, and alert destinations. Both are changed, rotated,
// tested and deleted alike.

import { html } from "htm/preact";
import {
  DestinationFields,
  destinationOf,
  factsOfDestination,
  fieldsOfDestination,
} from "./destination-fields.js";
import { factsOf, fieldsOf, inputOf, MoreFields } from "./fields.js";

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
  test: "test event",
  fieldsOf,
  inputOf,
  Fields: MoreFields,
  factsOf,
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
  test: "test alert",
  fieldsOf: fieldsOfDestination,
  inputOf: destinationOf,
  Fields: DestinationFields,
  factsOf: factsOfDestination,
  disabled: "No alert is sent to it. Enable it when it answers again.",
  empty: html`<p>Register one above. Until then nobody is notified when something is wrong.</p>`,
};
