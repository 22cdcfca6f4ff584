// Moments, as the reader's place writes them; the exact one is in the title and in `datetime`.

import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { moment, relative } from "../format.js";

export function Time({ at }) {
  const date = new Date(at);
  return html`<time datetime=${at} title=${at}>${moment(date)}</time>`;
}

/** How long ago, or in how long; kept up to date. */
export function Relative({ at }) {
  const now = useNow(5000);
  const date = new Date(at);
  return html`<time datetime=${at} title=${`${moment(date)} (${at})`}>${relative(date, now)}</time>`;
}

/** Returns the present, renewed every so many milliseconds. */
export function useNow(pause) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), pause);
    return () => clearInterval(timer);
  }, [pause]);
  return now;
}
