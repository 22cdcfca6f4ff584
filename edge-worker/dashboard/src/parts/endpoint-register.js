// Registers an endpoint.

import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { send } from "../api.js";
import { useAction } from "../load.js";
import { fieldsOf, inputOf, MoreFields, UrlField } from "./endpoint-fields.js";
import { Failure } from "./notice.js";

export function Register({ onDone }) {
  const [fields, setFields] = useState(fieldsOf());
  const set = (some) => setFields((fields) => ({ ...fields, ...some }));
  const [run, busy, error] = useAction(async () => {
    const endpoint = await send("POST", "/api/endpoints", { body: inputOf(fields) });
    setFields(fieldsOf());
    onDone(endpoint);
  });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  return html`
    <form onSubmit=${submit}>
      <${UrlField} fields=${fields} set=${set} />
      <details>
        <summary>Order, filters, headers and description</summary>
        <div class="body"><${MoreFields} fields=${fields} set=${set} /></div>
      </details>
      <${Failure} error=${error} what="The endpoint was not registered." />
      <footer>
        <button type="submit" class="primary" aria-disabled=${busy}>
          ${busy ? "Registering…" : "Register Webhook Endpoint"}
        </button>
      </footer>
    </form>
  `;
}
