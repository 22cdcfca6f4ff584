// The headers of an endpoint and how it authenticates the gateway. Stored values are never shown: they stay as they
// are, or new ones take their place.

import { html } from "htm/preact";
import { useId } from "preact/hooks";
import { onlyOnce } from "../../api/load.js";

/** What the auth of an endpoint is made of, by its type. */
const AUTH = {
  basic: { label: "Basic", inputs: { username: "User name", password: "Password" } },
  bearer: { label: "Bearer", inputs: { token: "Token" } },
};

/** The credentials of a new endpoint, or what stays of those of one that there is. */
export function credentialsOf(endpoint) {
  const stays = endpoint !== undefined;
  return {
    headers: stays ? undefined : [],
    auth: { type: stays ? "keep" : "none", username: "", password: "", token: "" },
  };
}

/** Returns the credentials as the API takes them; what stays is left out. */
export function credentialsInput({ headers, auth }) {
  const named = headers?.filter(({ name }) => name !== "");
  return {
    headers: named && Object.fromEntries(named.map(({ name, value }) => [name, value])),
    auth: auth.type === "keep" ? undefined : authInput(auth),
  };
}

function authInput(auth) {
  if (auth.type === "none") return null;
  const inputs = Object.keys(AUTH[auth.type].inputs);
  return Object.fromEntries(["type", ...inputs].map((name) => [name, auth[name]]));
}

/** Says how an endpoint authenticates the gateway. */
export const authLabel = (type) => AUTH[type]?.label ?? "None";

export function CredentialFields({ endpoint, fields, set }) {
  return html`
    <${HeaderFields} stored=${endpoint?.headers ?? []} headers=${fields.headers} set=${(headers) => set({ headers })} />
    <${AuthFields}
      stored=${endpoint && authLabel(endpoint.auth)}
      auth=${fields.auth}
      set=${(some) => set({ auth: { ...fields.auth, ...some } })}
    />
  `;
}

function HeaderFields({ stored, headers, set }) {
  const rows = headers ?? [];
  const change = (nth, some) =>
    set(rows.map((row, at) => (at === nth ? { ...row, ...some } : row)));
  return html`
    <fieldset>
      <legend>Headers</legend>
      ${
        stored.length > 0 && headers === undefined
          ? html`
              <p><code class="long">${stored.join(", ")}</code></p>
              <small>Their values are not shown. New headers take the place of all of them.</small>
            `
          : html`<small>Each delivery has them, such as an API key. Their values are not shown again.</small>`
      }
      ${rows.map(
        (row, nth) => html`
          <div class="row" key=${nth}>
            <input
              aria-label="Name of the header"
              required
              maxlength="64"
              autocomplete="off"
              spellcheck="false"
              value=${row.name}
              onInput=${(event) => change(nth, { name: event.target.value })}
            />
            <${Hidden} label="Value of the header" value=${row.value} required onInput=${(value) => change(nth, { value })} />
            <button type="button" class="quiet" onClick=${onlyOnce(() => set(rows.filter((_, at) => at !== nth)))}>Remove</button>
          </div>
        `,
      )}
      <div class="row">
        <button type="button" onClick=${() => set([...rows, { name: "", value: "" }])}>Add header</button>
        ${
          stored.length > 0 &&
          headers === undefined &&
          html`<button type="button" class="danger quiet" onClick=${() => set([])}>Remove all headers</button>`
        }
      </div>
      ${stored.length > 0 && headers?.length === 0 && html`<small>Saved, the endpoint has no headers.</small>`}
    </fieldset>
  `;
}

function AuthFields({ stored, auth, set }) {
  const id = useId();
  const inputs = Object.entries(AUTH[auth.type]?.inputs ?? {});
  return html`
    <div class="field">
      <label for=${id}>Authentication</label>
      <select id=${id} value=${auth.type} onChange=${(event) => set({ type: event.target.value })}>
        ${stored && html`<option value="keep">As it is: ${stored}</option>`}
        <option value="none">None</option>
        ${Object.entries(AUTH).map(([type, { label }]) => html`<option value=${type}>${label}</option>`)}
      </select>
    </div>
    ${inputs.map(
      ([name, label]) => html`
        <div class="field" key=${name}>
          <label for=${`${id}${name}`}>${label}</label>
          <${Hidden}
            id=${`${id}${name}`}
            value=${auth[name]}
            required=${name === "token"}
            onInput=${(value) => set({ [name]: value })}
          />
        </div>
      `,
    )}
  `;
}

/** An input whose value nobody reads over a shoulder, and no browser stores. */
function Hidden({ id, label, value, required, onInput }) {
  return html`
    <input
      id=${id}
      aria-label=${label}
      type="password"
      autocomplete="off"
      maxlength="2048"
      required=${required}
      value=${value}
      onInput=${(event) => onInput(event.target.value)}
    />
  `;
}
