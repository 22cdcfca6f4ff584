// Creates a token.

import { html } from "htm/preact";
import { useId, useState } from "preact/hooks";
import { useAction } from "../../api/load.js";
import { send } from "../../api/requests.js";
import { Failure } from "../status/notice.js";

/** Each scope, and what it allows. */
const SCOPES = [
  ["read", "Read: tasks, deliveries, metrics"],
  ["listen", "Listen: read, and live streams"],
  ["replay", "Replay: listen, and replays"],
  ["tickets", "Tickets: issue tickets, and nothing else"],
  ["admin", "Admin: everything"],
];

const DAY = 24 * 3600 * 1000;

/** How long a token lasts, in days; 0 is for ever. */
const LENGTHS = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "A year"],
  ["0", "No end"],
];

const EMPTY = { name: "", scope: "read", days: "90" };

export function CreateToken({ onDone }) {
  const id = useId();
  const [fields, setFields] = useState(EMPTY);
  const input = (field) => ({
    id: id + field,
    value: fields[field],
    onInput: ({ target }) => setFields((fields) => ({ ...fields, [field]: target.value })),
  });
  const [run, busy, error] = useAction(async () => {
    const { name, scope, days } = fields;
    const expires_at = days === "0" ? undefined : new Date(Date.now() + days * DAY).toISOString();
    const token = await send("POST", "/api/tokens", { body: { name, scope, expires_at } });
    setFields(EMPTY);
    onDone(token);
  });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  const options = (choices) =>
    choices.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`);
  return html`
    <form onSubmit=${submit}>
      <div class="field">
        <label for=${`${id}name`}>Name</label>
        <input ...${input("name")} required maxlength="100" autocomplete="off" placeholder="Prometheus" />
        <small>Who uses it, and for what. The audit trail shows it.</small>
      </div>
      <div class="field">
        <label for=${`${id}scope`}>Scope</label>
        <select ...${input("scope")}>${options(SCOPES)}</select>
      </div>
      <div class="field">
        <label for=${`${id}days`}>Ends after</label>
        <select ...${input("days")}>${options(LENGTHS)}</select>
      </div>
      <${Failure} error=${error} what="The token was not created." />
      <footer>
        <button type="submit" class="primary" aria-disabled=${busy}>${busy ? "Creating…" : "Create token"}</button>
      </footer>
    </form>
  `;
}
