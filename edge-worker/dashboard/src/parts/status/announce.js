// Announces to screen readers what changes on the page.

import { html } from "htm/preact";
import { Store, useStore } from "../../store.js";

const announced = new Store("");

export function announce(text) {
  // Announced twice in a row it is still news.
  announced.set(announced.value === text ? `${text}\u00a0` : text);
}

export function Announcer() {
  return html`<p role="status" aria-live="polite" class="unseen">${useStore(announced)}</p>`;
}
