// The frame of a page: its heading, what it is about, what can be done there.

import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

let isFirst = true;

/** Whoever comes from another page is set before the heading, as by a page that was loaded. */
export function Page({ title, heading = title, about, actions, children }) {
  const top = useRef();
  useEffect(() => {
    document.title = `${title} · Vtryon Webhooks`;
  }, [title]);
  // Before the page is painted: whoever sees the heading is there.
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
