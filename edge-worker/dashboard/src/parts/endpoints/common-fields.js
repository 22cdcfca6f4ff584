// The fields that endpoints and alert destinations share.

import { html } from "htm/preact";
import { useId } from "preact/hooks";

export function UrlField({ fields, set, placeholder }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>Webhook URL</label>
      <input
        id=${id}
        type="url"
        required
        maxlength="2048"
        inputmode="url"
        autocomplete="off"
        spellcheck="false"
        placeholder=${placeholder}
        value=${fields.url}
        onInput=${(event) => set({ url: event.target.value })}
      />
    </div>
  `;
}

export function DescriptionField({ fields, set }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>Description</label>
      <input
        id=${id}
        maxlength="500"
        value=${fields.description}
        onInput=${(event) => set({ description: event.target.value })}
      />
    </div>
  `;
}

export function TimeoutField({ fields, set }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>Timeout in seconds</label>
      <input
        id=${id}
        name="timeout_seconds"
        type="number"
        required
        min="1"
        max="30"
        value=${fields.timeout_seconds}
        onInput=${(event) => set({ timeout_seconds: event.target.value })}
      />
    </div>
  `;
}

/** What a card says of it. */
export const timeoutFact = ({ timeout_seconds }) => ["Timeout", `${timeout_seconds} s`];
