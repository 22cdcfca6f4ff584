// Short messages in the flow of the page.

import { html } from "htm/preact";
import { session } from "../../api/session.js";
import { clock, sentence } from "../../format.js";
import { useStore } from "../../store.js";

/** `tone` is `bad`, `warning`, `good` or `plain`; what is bad is announced at once. */
export function Notice({ tone = "plain", title, children, onClose }) {
  return html`
    <div class="notice" data-tone=${tone} role=${tone === "bad" ? "alert" : "status"}>
      <div>
        ${title && html`<strong>${title}</strong>`}
        <div>${children}</div>
      </div>
      ${onClose && html`<button type="button" class="quiet" onClick=${onClose}>Dismiss</button>`}
    </div>
  `;
}

/** What to do where nobody knows whether it was done. */
const CHECK = "Check how it stands before you try again.";

/**
 * Why something was not done or is not shown, with a way to try again; `unsure` is the advice where nobody knows whether it
 * was done.
 */
export function Failure({ error, what, retry, unsure = CHECK }) {
  const { phase } = useStore(session);
  const isOfSession = ["unauthorized", "access"].includes(error?.code);
  // The sign-in dialog is open then, and says so.
  if (!error || (isOfSession && phase !== "in")) return null;
  return html`
    <${Notice} tone="bad" title=${error.isUnsure ? "Whether it was done is not known." : what}>
      ${isOfSession ? "Your session had ended." : sentence(error.message)} ${error.isUnsure && unsure} ${advice(error)}
      ${retry && html` <button type="button" class="link" onClick=${retry}>Try again</button>`}
    <//>
  `;
}

function advice({ code, retryAt }) {
  if (code === "unreachable") return "Is the network there, and the gateway running?";
  return retryAt ? `It asks to come again after ${clock(new Date(retryAt))}.` : "";
}

/** What to show where there is nothing, and what to do next. */
export function Empty({ title, children }) {
  return html`<section class="empty"><h2>${title}</h2><div>${children}</div></section>`;
}

export function Loading({ what }) {
  return html`<p class="loading" role="status">Loading ${what}…</p>`;
}
