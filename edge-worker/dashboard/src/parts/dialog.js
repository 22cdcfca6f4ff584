// Dialogs: the rest of the page can't be used meanwhile, and the focus returns to where it was.

import { html } from "htm/preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { useAction } from "../api/load.js";
import { Failure } from "./status/notice.js";

/** Without `onClose` it can only be answered; while it is `busy` it stays, so that what comes of it is seen. */
export function Dialog({ title, onClose, busy = false, children }) {
  const dialog = useRef();
  const id = useId();
  const close = busy ? undefined : onClose;
  useLayoutEffect(() => {
    const { current } = dialog;
    current.showModal();
    return () => current.close();
  }, []);
  // Not only by the event `close`: that comes a while later, and another dialog may be open by then.
  const cancelled = (event) => {
    event.preventDefault();
    close?.();
  };
  // Escape pressed twice closes it whatever we say; it must not be gone then without our knowing.
  const closed = () => {
    if (dialog.current === null) return;
    if (close) close();
    else dialog.current.showModal();
  };
  return html`
    <dialog
      ref=${dialog}
      aria-labelledby=${id}
      closedby=${close ? "any" : "none"}
      onCancel=${cancelled}
      onClose=${closed}
    >
      <header>
        <h2 id=${id}>${title}</h2>
        ${onClose && html`<button type="button" class="quiet" aria-disabled=${busy} onClick=${close}>Close</button>`}
      </header>
      ${children}
    </dialog>
  `;
}

/** The button that leaves a dialog. */
export function Cancel({ busy, onClose }) {
  return html`<button type="button" aria-disabled=${busy} onClick=${busy ? undefined : onClose}>Cancel</button>`;
}

/** Asks before something that can't be undone. */
export function Confirm({ title, verb, act, onDone, onClose, danger = false, children }) {
  const [run, busy, error] = useAction(async () => {
    onDone(await act());
  });
  return html`
    <${Dialog} title=${title} busy=${busy} onClose=${onClose}>
      <div>${children}</div>
      <${Failure} error=${error} what="It was not done." />
      <footer>
        <${Cancel} busy=${busy} onClose=${onClose} />
        <button type="button" class=${danger ? "danger" : "primary"} aria-disabled=${busy} onClick=${run}>${verb}</button>
      </footer>
    <//>
  `;
}
