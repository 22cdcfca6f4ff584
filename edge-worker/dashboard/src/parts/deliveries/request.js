// The last request of a delivery as a command, loaded when it is asked for.

import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { useLoad } from "../../api/load.js";
import { get } from "../../api/requests.js";
import { bytesOf, curl } from "../../curl.js";
import { Snippet } from "../copy.js";
import { DESTINATION, ENDPOINT } from "../endpoints/kinds.js";
import { Empty, Failure, Loading } from "../status/notice.js";

export function Request({ delivery }) {
  const [isOpen, setOpen] = useState(false);
  if (delivery.attempts.length === 0) return null;
  return html`
    <details onToggle=${(event) => setOpen(event.target.open)}>
      <summary>The last request as curl</summary>
      ${isOpen && html`<div class="body"><${Command} delivery=${delivery} /></div>`}
    </details>
  `;
}

function Command({ delivery }) {
  const attempt = delivery.attempts.at(-1);
  const { path } = delivery.outcome === "alert" ? DESTINATION : ENDPOINT;
  const load = (signal) =>
    Promise.all([
      get(`${path}/${delivery.endpoint}`, { signal }),
      get(`/api/deliveries/${delivery.id}/body`, { signal }),
    ]);
  const { data, error, reload } = useLoad(load, [delivery.id]);
  if (error?.code === "not_found") {
    return html`<${Empty} title="The request can't be shown any more."><p>Its endpoint was deleted, or its event is no longer stored.</p><//>`;
  }
  if (data === undefined) {
    return error
      ? html`<${Failure} error=${error} what="The request was not loaded." retry=${reload} />`
      : html`<${Loading} what="the request" />`;
  }
  const [endpoint, { body }] = data;
  const text = curl({ delivery, attempt, endpoint, body: bytesOf(body) });
  return html`
    <p><small>As the receiver got it, to the URL that the endpoint has now. REPLACE stands for the signatures and for the values of the endpoint's headers.</small></p>
    <${Snippet} label="Request as curl" text=${text} />
  `;
}
