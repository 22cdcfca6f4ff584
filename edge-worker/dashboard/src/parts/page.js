// The frame of a page: its heading, what it is about, what can be done there.

import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

let isFirst = true;

/** The focus moves to the heading when another page of the dashboard is shown, so that screen readers begin there. */
export function Page({ title, heading = title, about, actions, children }) {
  const top = useRef();
  useEffect(() => {
    document.title = `${title} · Vtryon Webhooks`;
  }, [title]);
  // Before the page is painted: once the heading is visible, it has the focus.
  useLayoutEffect(() => {
    if (!isFirst) top.current.focus({ preventScroll: true });
    isFirst = false;
  }, []);
  return html`
    <header class="page">
      <div>
        <h1 ref=${top} tabindex="-1">${heading}</h1>
        ${about && html`<p>${about}</p>`}
      </div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  `;
}
