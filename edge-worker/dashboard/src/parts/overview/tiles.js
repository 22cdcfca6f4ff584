// Numbers at the top of a page, each with its name.

import { html } from "htm/preact";

/** Each of `tiles` is `[name, value, href, note]`; the last two may be left out. */
export function Tiles({ tiles }) {
  return html`
    <dl class="tiles">
      ${tiles.map(
        ([name, value, href, note]) => html`
          <div key=${name}>
            <dt>${href ? html`<a href=${href}>${name}</a>` : name}</dt>
            <dd>${value}${note && html`<small>${note}</small>`}</dd>
          </div>
        `,
      )}
    </dl>
  `;
}
