import { html } from "htm/preact";
import { Empty } from "../parts/notice.js";
import { Page } from "../parts/page.js";

export function NotFound() {
  return html`
    <${Page} title="Not found">
      <${Empty} title="There is no such page.">
        <p>Go to the <a href="/">overview</a>, or to the <a href="/tasks">tasks</a>.</p>
      <//>
    <//>
  `;
}
