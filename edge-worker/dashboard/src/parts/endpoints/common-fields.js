// The fields that endpoints and alert destinations share.

import { html } from "htm/preact";
import { useId } from "preact/hooks";
import { CredentialFields, credentialsInput, credentialsOf } from "./credentials.js";

/** The shared fields of a new one, or of one that there is. */
export function commonFieldsOf(endpoint) {
  const { url = "", description = "", timeout_seconds = 10 } = endpoint ?? {};
  return { url, description, timeout_seconds, ...credentialsOf(endpoint) };
}

/** Returns those of them that the API takes in another form than the inputs have. */
export function commonInput({ timeout_seconds, headers, auth }) {
  return { timeout_seconds: Number(timeout_seconds), ...credentialsInput({ headers, auth }) };
}

/** What a card says of them: `[name, text]`. */
export const commonFacts = ({ timeout_seconds }) => [["Timeout", `${timeout_seconds} s`]];

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

/** How attempts are made. `endpoint` is the one that is changed; a new one has none. */
export function AttemptFields({ endpoint, fields, set }) {
  return html`
    <${TimeoutField} fields=${fields} set=${set} />
    <${CredentialFields} endpoint=${endpoint} fields=${fields} set=${set} />
  `;
}

function TimeoutField({ fields, set }) {
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
