// Dialogs: the rest of the page can't be used meanwhile, and the focus returns to where it was.

import { html } from "htm/preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { useAction } from "../api/load.js";
import { Failure } from "./status/notice.js";

/** Without `onClose` it can only be answered. */
export function Dialog({ title, onClose, children }) {
  const dialog = useRef();
  const id = useId();
  useLayoutEffect(() => {
    const { current } = dialog;
    current.showModal();
    return () => current.close();
  }, []);
  // Not only by the event `close`: that comes a while later, and another dialog may be open by then.
  const cancelled = (event) => {
    event.preventDefault();
    onClose?.();
  };
  // Escape pressed twice closes it whatever we say; it must not be gone then without our knowing.
  const closed = () => {
    if (dialog.current === null) return;
    if (onClose) onClose();
    else dialog.current.showModal();
  };
  return html`
    <dialog
      ref=${dialog}
      aria-labelledby=${id}
      closedby=${onClose ? "any" : "none"}
      onCancel=${cancelled}
      onClose=${closed}
    >
      <header>
        <h2 id=${id}>${title}</h2>
        ${onClose && html`<button type="button" class="quiet" onClick=${onClose}>Close</button>`}
      </header>
      ${children}
    </dialog>
  `;
}

/** Asks before something that can't be undone. */
export function Confirm({ title, verb, act, onDone, onClose, danger = false, children }) {
  const [run, busy, error] = useAction(async () => {
    onDone(await act());
  });
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <div>${children}</div>
      <${Failure} error=${error} what="It was not done." />
      <footer>
        <button type="button" onClick=${onClose}>Cancel</button>
        <button type="button" class=${danger ? "danger" : "primary"} aria-disabled=${busy} onClick=${run}>${verb}</button>
      </footer>
    <//>
  `;
}
