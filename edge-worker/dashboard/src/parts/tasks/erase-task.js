// Erasing a task: the question before it, and what is left to show after it.

import { html } from "htm/preact";
import { send } from "../../api/requests.js";
import { number } from "../../format.js";
import { Confirm } from "../dialog.js";
import { Empty } from "../status/notice.js";

export function EraseTask({ path, onDone, onClose }) {
  const act = () => send("DELETE", path);
  return html`
    <${Confirm} title="Erase task" verb="Erase" danger act=${act} onDone=${onDone} onClose=${onClose}>
      <p>
        Its events, its result and its deliveries are deleted for good. Deliveries that are pending end. Events of this
        task that come later are acknowledged, and neither stored nor delivered.
      </p>
      <p>What your backend has received already stays there.</p>
    <//>
  `;
}

/** What was erased. */
export function Erased({ erasure: { events, deliveries } }) {
  return html`
    <${Empty} title="This task was erased.">
      <p>Events: ${number(events)}, deliveries: ${number(deliveries)}. <a href="/tasks">All tasks</a></p>
    <//>
  `;
}
