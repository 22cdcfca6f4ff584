// Settings → Webhooks: the URL for Vtryon, and the endpoints that events go on to.

import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api.js";
import { useEvery, useLoad } from "../load.js";
import { announce } from "../parts/announce.js";
import { EndpointCard } from "../parts/endpoint-card.js";
import { Register } from "../parts/endpoint-register.js";
import { GatewayUrl } from "../parts/first-steps.js";
import { Empty, Failure, Loading } from "../parts/notice.js";
import { Page } from "../parts/page.js";

export function Webhooks() {
  const loaded = useLoad((signal) => get("/api/endpoints", { signal }));
  const { data, error, reload } = loaded;
  // New secrets, by endpoint: here and nowhere else, so that a reload forgets them.
  const [secrets, setSecrets] = useState({});
  useEvery(20_000, reload);
  const keep = (id, secret) => setSecrets((secrets) => ({ ...secrets, [id]: secret }));
  const heading = useRef();
  const count = data?.endpoints.length;
  const before = useRef();
  useEffect(() => {
    // What was deleted has taken the focus with it.
    const isLost = document.activeElement === document.body;
    if (count < before.current && isLost) heading.current.focus();
    before.current = count;
  }, [count]);
  const change = (id, changed) =>
    loaded.change(({ endpoints }) => ({
      endpoints: endpoints.flatMap((endpoint) => (endpoint.id === id ? (changed ?? []) : endpoint)),
    }));
  const add = (endpoint) => {
    announce("Endpoint registered. Its secret is shown this once.");
    keep(endpoint.id, endpoint.secret);
    loaded.change((data) => ({ endpoints: [...(data?.endpoints ?? []), endpoint] }));
  };
  return html`
    <${Page} title="Webhooks" about="Where Vtryon sends its events, and where they go on to from here.">
      <section class="card">
        <h2>From Vtryon</h2>
        <p>In your Vtryon seller account, go to Settings → Webhooks and paste this as the Webhook URL. The secret that Vtryon shows then is <code>VTRYON_WEBHOOK_SECRET</code> of this gateway.</p>
        <${GatewayUrl} />
      </section>
      <section class="card">
        <h2>To your backend</h2>
        <p>Register the URL of your backend: every event that moves a task goes on to it, byte for byte, until it has it.</p>
        <${Register} onDone=${add} />
      </section>
      <h2 ref=${heading} tabindex="-1">Endpoints</h2>
      <${Failure} error=${error} what="The endpoints were not loaded." retry=${reload} />
      ${data === undefined && !error && html`<${Loading} what="endpoints" />`}
      ${data?.endpoints.length === 0 && html`<${Empty} title="No endpoint yet."><p>Register one above. Until then events are stored and shown here, but not delivered.</p><//>`}
      ${data?.endpoints.map(
        (endpoint) => html`
          <${EndpointCard}
            key=${endpoint.id}
            endpoint=${endpoint}
            secret=${secrets[endpoint.id]}
            onSecret=${(secret) => keep(endpoint.id, secret)}
            onChange=${(changed) => change(endpoint.id, changed)}
          />
        `,
      )}
    <//>
  `;
}
