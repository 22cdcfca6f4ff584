// Tables that become lists of cards where there is little room, and the foot of a listing.

import { html } from "htm/preact";
import { count } from "../format.js";
import { Failure } from "./status/notice.js";

/** `columns` are `[heading, (row) => content]`; the first one names the row. */
export function Table({ label, columns, rows, id, busy = false }) {
  const [[first, name], ...others] = columns;
  return html`
    <div class="table">
      <table aria-label=${label} aria-busy=${busy ? "true" : undefined}>
        <thead>
          <tr>${columns.map(([heading]) => html`<th scope="col" key=${heading}>${heading}</th>`)}</tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) => html`
              <tr key=${id(row)}>
                <th scope="row" data-label=${first}>${name(row)}</th>
                ${others.map(([heading, cell]) => html`<td key=${heading} data-label=${heading}>${cell(row)}</td>`)}
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** How many are shown, and the next page of them. */
export function Foot({ pages, shown, noun, many = `${noun}s` }) {
  const { more, loadingMore, moreError } = pages;
  return html`
    <${Failure} error=${moreError} what="The next page was not loaded." />
    <p class="foot">
      <span>${shown === 0 ? `No ${many} found so far` : count(shown, noun, many)}${more ? "" : ", which is all"}</span>
      ${
        more &&
        html`<button type="button" aria-disabled=${loadingMore} onClick=${more}>
          ${loadingMore ? "Loading…" : shown === 0 ? "Keep looking" : "Load more"}
        </button>`
      }
    </p>
  `;
}
