// Settings → Alerts: what is wrong with the gateway or its endpoints, and who is notified.

import { html } from "htm/preact";
import { count } from "../format.js";
import { ALERTS } from "../parts/endpoints/destination-fields.js";
import { DESTINATION } from "../parts/endpoints/kinds.js";
import { EndpointList, useEndpoints } from "../parts/endpoints/list.js";
import { Register } from "../parts/endpoints/register.js";
import { Page } from "../parts/page.js";
import { Badge } from "../parts/status/badge.js";
import { Empty } from "../parts/status/notice.js";
import { Table } from "../parts/table.js";
import { Relative } from "../parts/time.js";

const COLUMNS = [
  [
    "Alert",
    ({ cause, hint }) =>
      html`${ALERTS[`gateway.${cause}`] ?? cause}${hint && html` <small>${hint}</small>`}`,
  ],
  ["About", ({ endpoint, host }) => (endpoint ? html`<code>${endpoint}</code> ${host}` : "–")],
  [
    "State",
    ({ open }) =>
      open ? html`<${Badge} tone="bad">Open<//>` : html`<${Badge} tone="plain">Past<//>`,
  ],
  ["Since", ({ since }) => html`<${Relative} at=${since} />`],
  ["Occurred", (alert) => count(alert.count, "time")],
  ["Notified", ({ sent_at }) => (sent_at ? html`<${Relative} at=${sent_at} />` : "No")],
];

export function Alerts() {
  const destinations = useEndpoints(DESTINATION);
  const alerts = destinations.data?.alerts;
  return html`
    <${Page} title="Alerts" about="What is wrong with the gateway and its endpoints, and who is notified.">
      <section class="card">
        <h2>Open, and of the last day</h2>
        ${alerts?.length === 0 && html`<${Empty} title="No alert."><p>Nothing is wrong, and nothing was in the last day.</p><//>`}
        ${alerts?.length > 0 && html`<${Table} label="Alerts" columns=${COLUMNS} rows=${alerts} id=${({ cause, endpoint }) => `${cause} ${endpoint}`} />`}
      </section>
      <section class="card">
        <h2>Tell somebody</h2>
        <p>Register a URL of your monitoring, or one of Slack's incoming webhooks. Each cause is sent at most once an hour.</p>
        <${Register} kind=${DESTINATION} onDone=${destinations.add} />
      </section>
      <${EndpointList} kind=${DESTINATION} endpoints=${destinations} />
    <//>
  `;
}
