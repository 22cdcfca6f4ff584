// Moments, as the reader's place writes them; the exact one is in the title and in `datetime`.

import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { moment, relative } from "../format.js";
import { Store } from "../store.js";

/** After midnight it is not today's any more. */
export function Time({ at }) {
  const now = useNow(60_000);
  return html`<time datetime=${at} title=${at}>${moment(new Date(at), new Date(now))}</time>`;
}

/** How long ago, or in how long; kept up to date. */
export function Relative({ at }) {
  const now = useNow(5000);
  const date = new Date(at);
  return html`<time datetime=${at} title=${`${moment(date)} (${at})`}>${relative(date, now)}</time>`;
}

/** Returns the present, and renders again every so many milliseconds. */
export function useNow(pause) {
  const [, render] = useState();
  useEffect(() => ticking(pause).subscribe(render), [pause]);
  return Date.now();
}

/** One clock for all that render as often. */
const clocks = new Map();

function ticking(pause) {
  if (!clocks.has(pause)) {
    const clock = new Store();
    setInterval(() => clock.set(Date.now()), pause);
    clocks.set(pause, clock);
  }
  return clocks.get(pause);
}
