// Settings → Audit trail: who has changed what through the API.

import { html } from "htm/preact";
import { usePages } from "../api/load.js";
import { Page } from "../parts/page.js";
import { Empty, Failure, Loading } from "../parts/status/notice.js";
import { Foot, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";

/** Who somebody is that has no name. */
const NAMELESS = { root: "Admin token", ticket_token: "Ticket token" };

const COLUMNS = [
  ["When", ({ at }) => html`<${Time} at=${at} />`],
  ["Who", ({ actor }) => html`<${Actor} actor=${actor} />`],
  ["Operation", ({ operation }) => html`<code>${operation}</code>`],
  ["Target", ({ target }) => html`<code>${target}</code>`],
  ["From", ({ address }) => (address === null ? "unknown" : html`<code>${address}</code>`)],
];

export function Audit() {
  const pages = usePages("/api/audit", "records", {});
  const { items, error, reload } = pages;
  // A record has no id of its own.
  const rows = items?.map((record, nth) => ({ nth, ...record }));
  return html`
    <${Page}
      title="Audit trail"
      about="Who has changed what through the API. Reads, sign-ins and tickets are not recorded."
      actions=${html`<button type="button" onClick=${reload}>Reload</button>`}
    >
      <${Failure} error=${error} what="The audit trail was not loaded." retry=${reload} />
      ${rows === undefined && !error && html`<${Loading} what="the audit trail" />`}
      ${rows?.length === 0 && html`<${Empty} title="Nothing was changed yet."><p>Once an endpoint, a secret or a token is, or something is replayed, it stands here.</p><//>`}
      ${rows?.length > 0 && html`<${Table} label="Audit trail" columns=${COLUMNS} rows=${rows} id=${({ nth }) => nth} />`}
      ${rows?.length > 0 && html`<${Foot} pages=${pages} shown=${rows.length} noun="record" />`}
    <//>
  `;
}

function Actor({ actor }) {
  const { kind, name = NAMELESS[kind], id } = actor;
  return html`<span class="long" title=${name}>${name}</span>${id && html` <small><code>${id}</code></small>`}`;
}
