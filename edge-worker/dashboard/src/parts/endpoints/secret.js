// What is shown this once: it is in the memory of the page alone, and gone with it.

import { html } from "htm/preact";
import { CopyField } from "../copy.js";
import { Notice } from "../status/notice.js";

/** A text that is shown once, with what to do with it; `name` is what the button copies. */
export function ShownOnce({ heading, label, name, text, onClose, children }) {
  return html`
    <section class="secret" aria-label=${heading}>
      <${CopyField} label=${label} name=${name} text=${text} />
      <${Notice} tone="warning" title="Keep it safe: it is shown this once.">${children}<//>
      <button type="button" onClick=${onClose}>I have saved it</button>
    </section>
  `;
}

/** A new secret of an endpoint. */
export function Secret({ secret, onClose }) {
  return html`
    <${ShownOnce} heading="New secret" label="Webhook Secret Key" name="the secret" text=${secret} onClose=${onClose}>
      Set it in your backend's environment, as <code>VTRYON_WEBHOOK_SECRET</code> for the packages. Its whole
      text, <code>whsec_</code> included, is the key. Do not commit it, and do not put it into code that
      browsers load. If it is lost, rotate it.
    <//>
  `;
}
