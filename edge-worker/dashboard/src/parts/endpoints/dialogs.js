// What is done to an endpoint or an alert destination in a dialog: changed, given a new secret, deleted.

import { html } from "htm/preact";
import { useId, useState } from "preact/hooks";
import { useAction } from "../../api/load.js";
import { send } from "../../api/requests.js";
import { Cancel, Confirm, Dialog } from "../dialog.js";
import { Failure } from "../status/notice.js";
import { UrlField } from "./common-fields.js";

const path = (kind, { id }) => `${kind.path}/${id}`;

export function Edit({ kind, endpoint, onDone, onClose }) {
  const { fieldsOf, inputOf, Fields } = kind;
  const [before] = useState(fieldsOf(endpoint));
  const [fields, setFields] = useState(before);
  const set = (some) => setFields((fields) => ({ ...fields, ...some }));
  const [run, busy, error] = useAction(async () => {
    const body = changesOf(inputOf(before), inputOf(fields));
    onDone(await send("PATCH", path(kind, endpoint), { body }));
  });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  return html`
    <${Dialog} title=${`Edit ${kind.noun}`} busy=${busy} onClose=${onClose}>
      <form onSubmit=${submit}>
        <${UrlField} placeholder=${kind.placeholder} fields=${fields} set=${set} />
        <${Fields} endpoint=${endpoint} fields=${fields} set=${set} />
        <${Failure} error=${error} what=${`The ${kind.noun} was not changed.`} />
        <footer>
          <${Cancel} busy=${busy} onClose=${onClose} />
          <button type="submit" class="primary" aria-disabled=${busy}>Save</button>
        </footer>
      </form>
    <//>
  `;
}

/** Returns what was changed in the form: what somebody else has changed meanwhile stays as it is. */
function changesOf(before, after) {
  const isChanged = ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]);
  return Object.fromEntries(Object.entries(after).filter(isChanged));
}

export function Rotate({ kind, endpoint, onDone, onClose }) {
  const id = useId();
  const [hours, setHours] = useState("24");
  const [run, busy, error] = useAction(async () => {
    const body = { overlap_hours: Number(hours) };
    onDone(await send("POST", `${path(kind, endpoint)}/rotate`, { body }));
  });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  return html`
    <${Dialog} title="Rotate secret" busy=${busy} onClose=${onClose}>
      <form onSubmit=${submit}>
        <p>
          The ${kind.noun} gets a new secret. The present one stays valid beside it for a while, so that its receiver
          can change over without a gap: deliveries carry the signatures of both.
        </p>
        <div class="field">
          <label for=${id}>Overlap in hours</label>
          <input
            id=${id}
            type="number"
            required
            min="0"
            max="168"
            value=${hours}
            onInput=${(event) => setHours(event.target.value)}
          />
          <small>0 to 168. With 0 the present one ends at once.</small>
        </div>
        <${Failure} error=${error} what="The secret was not rotated." />
        <footer>
          <${Cancel} busy=${busy} onClose=${onClose} />
          <button type="submit" class="primary" aria-disabled=${busy}>Rotate secret</button>
        </footer>
      </form>
    <//>
  `;
}

export function Retire({ kind, endpoint, onDone, onClose }) {
  const act = () => send("POST", `${path(kind, endpoint)}/retire`);
  return html`
    <${Confirm} title="Retire previous secret" verb="Retire" danger act=${act} onDone=${onDone} onClose=${onClose}>
      <p>From now on deliveries are signed by the current secret alone. A receiver that still knows only the previous one will refuse them.</p>
    <//>
  `;
}

export function Delete({ kind, endpoint, onDone, onClose }) {
  const act = () => send("DELETE", path(kind, endpoint));
  return html`
    <${Confirm} title=${`Delete ${kind.noun}`} verb="Delete" danger act=${act} onDone=${onDone} onClose=${onClose}>
      <p><code class="long">${endpoint.url}</code></p>
      <p>
        Its pending deliveries end as dead letters, and its secret is gone. This can't be undone. To stop its
        deliveries for a while, pause it instead.
      </p>
    <//>
  `;
}
