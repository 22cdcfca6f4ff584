// What stands around each page: where one can go, whether it is live, and the way out.

import { html } from "htm/preact";
import { useEffect, useId, useState } from "preact/hooks";
import { Router, useLocation } from "preact-iso/router";
import { useAction } from "./api/load.js";
import { signOut } from "./api/session.js";
import { capital } from "./format.js";
import { Alerts } from "./pages/alerts.js";
import { Audit } from "./pages/audit.js";
import { Deliveries } from "./pages/deliveries.js";
import { Delivery } from "./pages/delivery.js";
import { Endpoint } from "./pages/endpoint.js";
import { NotFound } from "./pages/not-found.js";
import { Overview } from "./pages/overview.js";
import { Quarantine } from "./pages/quarantine.js";
import { Rejections } from "./pages/rejections.js";
import { Task } from "./pages/task.js";
import { Tasks } from "./pages/tasks.js";
import { Tokens } from "./pages/tokens.js";
import { Webhooks } from "./pages/webhooks.js";
import { Dialog } from "./parts/dialog.js";
import { LiveState } from "./parts/status/live-state.js";
import { Failure } from "./parts/status/notice.js";
import { useStore } from "./store.js";
import { choose, THEMES, theme } from "./theme.js";

const PAGES = [
  ["/", "Overview"],
  ["/tasks", "Tasks"],
  ["/deliveries", "Deliveries"],
  ["/quarantine", "Quarantine"],
  ["/rejections", "Rejections"],
];
const SETTINGS = [
  ["/settings/webhooks", "Webhooks"],
  ["/settings/tokens", "Tokens"],
  ["/settings/audit", "Audit trail"],
  ["/settings/alerts", "Alerts"],
];

export function Shell() {
  const { path } = useLocation();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  const skip = (event) => {
    event.preventDefault();
    document.querySelector("main").focus();
  };
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <div class="shell">
      <header class="top">
        <a class="brand" href="/"><img src="/icon.svg" alt="" width="24" height="24" />Vtryon Webhooks</a>
        <${LiveState} />
        <button
          type="button"
          class="menu"
          aria-expanded=${String(isOpen)}
          aria-controls="side"
          onClick=${() => setOpen(!isOpen)}
        >
          Menu
        </button>
      </header>
      <div class="side" id="side" data-open=${isOpen ? "" : undefined}>
        <div class="stay">
        <nav aria-label="Pages">
          <ul>${PAGES.map((page) => html`<${Item} key=${page[0]} page=${page} path=${path} />`)}</ul>
          <h2>Settings</h2>
          <ul>${SETTINGS.map((page) => html`<${Item} key=${page[0]} page=${page} path=${path} />`)}</ul>
        </nav>
        <section class="foot" aria-label="Session">
          <${Theme} />
          <${SignOut} />
        </section>
        </div>
      </div>
      <main id="main" tabindex="-1"><${Pages} path=${path} /></main>
    </div>
  `;
}

function Pages({ path }) {
  // The router decodes each segment, and would throw.
  if (!isDecodable(path)) return html`<${NotFound} />`;
  return html`
    <${Router}>
      <${Overview} path="/" />
      <${Tasks} path="/tasks" />
      <${Task} path="/tasks/:id+" />
      <${Deliveries} path="/deliveries" />
      <${Delivery} path="/deliveries/:id" />
      <${Quarantine} path="/quarantine" />
      <${Rejections} path="/rejections" />
      <${Webhooks} path="/settings/webhooks" />
      <${Endpoint} path="/settings/webhooks/:id" />
      <${Tokens} path="/settings/tokens" />
      <${Audit} path="/settings/audit" />
      <${Alerts} path="/settings/alerts" />
      <${NotFound} default />
    <//>
  `;
}

function isDecodable(path) {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

function Item({ page: [href, name], path }) {
  const isHere = path === href;
  const isBelow = href !== "/" && path.startsWith(`${href}/`);
  return html`<li><a href=${href} aria-current=${isHere ? "page" : isBelow ? "true" : undefined}>${name}</a></li>`;
}

function Theme() {
  const id = useId();
  const { name: chosen } = useStore(theme);
  return html`
    <div class="theme">
      <label for=${id}>Theme</label>
      <select id=${id} value=${chosen} onChange=${(event) => choose(event.target.value)}>
        ${THEMES.map((name) => html`<option key=${name} value=${name}>${capital(name)}</option>`)}
      </select>
    </div>
  `;
}

function SignOut() {
  const [isStillIn, setStillIn] = useState(false);
  const [run, busy, error] = useAction(async () => setStillIn(!(await signOut())));
  // The path is answered by Access: with this target, the router leaves the link to the browser.
  return html`
    <button type="button" class="quiet" aria-disabled=${busy} onClick=${run}>Sign out</button>
    <${Failure} error=${error} what="You are still signed in." />
    ${
      isStillIn &&
      html`<${Dialog} title="Cloudflare Access lets you in" onClose=${() => setStillIn(false)}>
        <p>The session of this gateway has ended, but it is Access that opens the dashboard.</p>
        <footer><a class="button" href="/cdn-cgi/access/logout" target="_top">Sign out of Access</a></footer>
      <//>`
    }
  `;
}
