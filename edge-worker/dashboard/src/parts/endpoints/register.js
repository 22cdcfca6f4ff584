// Registers an endpoint or an alert destination.

import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { useAction } from "../../api/load.js";
import { send } from "../../api/requests.js";
import { Failure } from "../status/notice.js";
import { UrlField } from "./common-fields.js";

export function Register({ kind, onDone }) {
  const { fieldsOf, inputOf, Fields } = kind;
  const [fields, setFields] = useState(fieldsOf());
  const set = (some) => setFields((fields) => ({ ...fields, ...some }));
  const [run, busy, error] = useAction(async () => {
    const endpoint = await send("POST", kind.path, { body: inputOf(fields) });
    setFields(fieldsOf());
    onDone(endpoint);
  });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  return html`
    <form onSubmit=${submit}>
      <${UrlField} placeholder=${kind.placeholder} fields=${fields} set=${set} />
      <details>
        <summary>${kind.more}</summary>
        <div class="body"><${Fields} fields=${fields} set=${set} /></div>
      </details>
      <${Failure} error=${error} what=${`The ${kind.noun} was not registered.`} />
      <footer>
        <button type="submit" class="primary" aria-disabled=${busy}>
          ${busy ? "Registering…" : kind.register}
        </button>
      </footer>
    </form>
  `;
}
