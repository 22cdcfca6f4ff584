// Signed bodies that can't be read: what is wrong with each, and to whom it was delivered all the same.

import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { useLoad, usePages } from "../api/load.js";
import { get } from "../api/requests.js";
import { useFeed } from "../feed.js";
import { bytes, count, sentence } from "../format.js";
import { CopyButton } from "../parts/copy.js";
import { DeliveryItem } from "../parts/deliveries/delivery.js";
import { Page } from "../parts/page.js";
import { Badge } from "../parts/status/badge.js";
import { Gaps } from "../parts/status/live-state.js";
import { Empty, Failure, Loading } from "../parts/status/notice.js";
import { Foot } from "../parts/table.js";
import { Time } from "../parts/time.js";

const ADVICE = {
  invalid_utf8: "Vtryon sent bytes that are no text. Report it to Vtryon with the digest.",
  invalid_json:
    "Vtryon sent what is not JSON, most likely cut off. Report it to Vtryon with the digest.",
  too_deep: "It nests deeper than any event of the guide. Report it to Vtryon with the digest.",
  invalid_event:
    "It lacks what every event has, or has it in another form: Vtryon may have changed its events. Look for a newer version of this gateway.",
  duplicate_key:
    "A field occurs twice, and which is meant nobody can tell. Report it to Vtryon with the digest.",
};

export function Quarantine() {
  const pages = usePages("/api/quarantine", "quarantine", {});
  const [came, setCame] = useState([]);
  useFeed((messages) => {
    const fresh = messages.filter(
      ({ type, outcome }) => type === "event" && outcome === "quarantined",
    );
    setCame((came) => [...came, ...fresh.map(({ received_at }) => received_at)]);
  });
  const reload = () => {
    setCame([]);
    pages.reload();
  };
  const { items, error } = pages;
  // The list may have been read after they came.
  const latest = items?.[0]?.received_at ?? "";
  const unseen = came.filter((at) => at > latest).length;
  return html`
    <${Page} title="Quarantine" about="Bodies with a good signature that can't be read. They were acknowledged and kept, since Vtryon would send them again in vain.">
      <${Gaps} reload=${reload} />
      ${items && unseen > 0 && html`<p class="news"><button type="button" onClick=${reload}>Show ${count(unseen, "newer body", "newer bodies")}</button></p>`}
      <${Failure} error=${error} what="The quarantine was not loaded." retry=${reload} />
      ${items === undefined && !error && html`<${Loading} what="the quarantine" />`}
      ${items?.length === 0 && !pages.more && html`<${Empty} title="The quarantine is empty."><p>Everything that Vtryon signed could be read.</p><//>`}
      ${items?.map((body) => html`<${Body} key=${body.digest} body=${body} />`)}
      ${items?.length > 0 && html`<${Foot} pages=${pages} shown=${items.length} noun="body" many="bodies" />`}
    <//>
  `;
}

function Body({ body }) {
  const { code, message, digest } = body;
  return html`
    <article class="card" aria-label=${`${code} ${digest.slice(0, 8)}`}>
      <header>
        <div>
          <h2><code>${code}</code></h2>
          <p>${sentence(message)}</p>
        </div>
        <${Badge} tone="waiting"><${Time} at=${body.received_at} /><//>
      </header>
      <p class="advice"><strong>What to do.</strong> ${ADVICE[code]} An endpoint that includes quarantined bodies gets them as they are.</p>
      <dl class="facts">
        <div class="wide"><dt>Digest</dt><dd class="joined"><code class="long">${digest}</code><${CopyButton} text=${digest} label="the digest" /></dd></div>
        <div><dt>Size</dt><dd>${bytes(body.bytes)}${body.truncated ? ", of which only the beginning is kept" : ""}</dd></div>
        <div><dt>Signed by</dt><dd><code title="Fingerprint of the secret">${body.key}</code></dd></div>
      </dl>
      <pre class="answer" tabindex="0" aria-label="Beginning of the body"><code>${body.head}</code></pre>
      <${Deliveries} digest=${digest} />
    </article>
  `;
}

function Deliveries({ digest }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <details onToggle=${(event) => setOpen(event.target.open)}>
      <summary>Deliveries</summary>
      ${isOpen && html`<div class="body"><${OfBody} digest=${digest} /></div>`}
    </details>
  `;
}

function OfBody({ digest }) {
  const [version, setVersion] = useState(0);
  const { data, error, reload } = useLoad(
    (signal) => get("/api/deliveries", { query: { digest }, signal }),
    [digest],
  );
  const failure = html`<${Failure} error=${error} what="The deliveries were not loaded." retry=${reload} />`;
  if (data === undefined) return error ? failure : html`<${Loading} what="deliveries" />`;
  if (data.deliveries.length === 0) {
    return html`<p>None: no endpoint includes quarantined bodies. <a href="/settings/webhooks">Edit one</a> that should, and replay all from then on.</p>`;
  }
  const change = () => {
    setVersion((version) => version + 1);
    reload();
  };
  return html`
    ${failure}
    <div>
      ${data.deliveries.map(
        (delivery) =>
          html`<${DeliveryItem} key=${delivery.id} delivery=${delivery} version=${version} onChange=${change} />`,
      )}
    </div>
  `;
}
