// The dashboard: a sign-in, or the shell with the page that the URL names.

import { html } from "htm/preact";
import { render } from "preact";
import { LocationProvider } from "preact-iso/router";
import { askApi, session } from "./api/session.js";
import { SignIn } from "./parts/access/sign-in.js";
import { Dialog } from "./parts/dialog.js";
import { keepFocus } from "./parts/focus.js";
import { Announcer } from "./parts/status/announce.js";
import { Failure, Loading } from "./parts/status/notice.js";
import { Shell } from "./shell.js";
import { useStore } from "./store.js";
import "./feed.js";

function Dashboard() {
  const { phase, error } = useStore(session);
  if (phase === "asking")
    return html`<main class="gate"><${Loading} what="the dashboard" /></main>`;
  if (phase === "out") return html`<${Gate}><${SignIn} /><//>`;
  if (phase === "failed") {
    return html`<${Gate}><${Failure} error=${error} what="The gateway does not answer." retry=${askApi} /><//>`;
  }
  // What stands on the page stays: a half-filled form, a secret that is shown this once.
  return html`
    <${Shell} />
    ${phase === "lapsed" && html`<${Dialog} title="Your session has ended"><${SignIn} /><//>`}
  `;
}

function Gate({ children }) {
  return html`
    <main class="gate">
      <section class="card">
        <h1><img src="/icon.svg" alt="" width="28" height="28" />Vtryon Webhooks</h1>
        ${children}
      </section>
    </main>
  `;
}

document.body.replaceChildren();
keepFocus();
render(html`<${LocationProvider}><${Dashboard} /><${Announcer} /><//>`, document.body);
askApi();
