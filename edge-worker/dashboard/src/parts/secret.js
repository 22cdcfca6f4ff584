// A new secret, shown this once: it is in the memory of the page alone, and gone with it.

import { html } from "htm/preact";
import { CopyField } from "./copy.js";
import { Notice } from "./notice.js";

export function Secret({ secret, onClose }) {
  return html`
    <section class="secret" aria-label="New secret">
      <${CopyField} label="Webhook Secret Key" name="the secret" text=${secret} />
      <${Notice} tone="warning" title="Keep it safe: it is shown this once.">
        Set it in your backend's environment, as <code>VTRYON_WEBHOOK_SECRET</code> for the packages. Its whole
        text, <code>whsec_</code> included, is the key. Do not commit it, and do not put it into code that
        browsers load. If it is lost, rotate it.
      <//>
      <button type="button" onClick=${onClose}>I have saved it</button>
    </section>
  `;
}
