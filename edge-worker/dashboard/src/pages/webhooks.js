// Settings → Webhooks: the URL for Vtryon, and the endpoints that events go on to.

import { html } from "htm/preact";
import { ENDPOINT } from "../parts/endpoints/kinds.js";
import { EndpointList, useEndpoints } from "../parts/endpoints/list.js";
import { Register } from "../parts/endpoints/register.js";
import { GatewayUrl } from "../parts/overview/first-steps.js";
import { Page } from "../parts/page.js";

export function Webhooks() {
  const endpoints = useEndpoints(ENDPOINT);
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
        <${Register} kind=${ENDPOINT} onDone=${endpoints.add} />
      </section>
      <${EndpointList} kind=${ENDPOINT} endpoints=${endpoints} />
    <//>
  `;
}
