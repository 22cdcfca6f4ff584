import { html } from "htm/preact";
import { Page } from "../parts/page.js";
import { Empty } from "../parts/status/notice.js";

export function NotFound() {
  return html`
    <${Page} title="Not found">
      <${Empty} title="There is no such page.">
        <p>Go to the <a href="/">overview</a>, or to the <a href="/tasks">tasks</a>.</p>
      <//>
    <//>
  `;
}
