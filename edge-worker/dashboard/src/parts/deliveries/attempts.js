// The attempts of a delivery: when, how it was answered, how long that took.

import { html } from "htm/preact";
import { duration } from "../../format.js";
import { Badge } from "../status/badge.js";
import { Table } from "../table.js";
import { Time } from "../time.js";

const ERRORS = {
  timeout: "No answer in time",
  connection: "No connection",
  url_refused: "URL refused",
};

/** How an attempt was answered: its code, or why there is none. */
export function Verdict({ attempt }) {
  const { status, error, location_host } = attempt;
  if (status === undefined) return html`<${Badge} tone="bad">${ERRORS[error] ?? error}<//>`;
  return html`
    <${Badge} tone=${status >= 200 && status < 300 ? "good" : "bad"}>${String(status)}<//>
    ${location_host && html`<small class="long">to ${location_host}</small>`}
  `;
}

/** What a refusal most often means. */
export function SecretHint({ attempt }) {
  const isRefused = attempt?.status === 401 || attempt?.status === 403;
  return (
    isRefused &&
    html`<p><small>Does the backend verify with the secret of this endpoint?</small></p>`
  );
}

export function Attempts({ attempts }) {
  if (attempts.length === 0) return html`<p>No attempt was made yet.</p>`;
  const columns = [
    ["Attempt", ({ replay_count, attempt }) => name(replay_count, attempt)],
    ["Made", ({ attempted_at }) => html`<${Time} at=${attempted_at} />`],
    ["Answer", (attempt) => html`<${Verdict} attempt=${attempt} />`],
    ["Latency", ({ took_ms }) => duration(took_ms)],
    ["First kilobyte of the answer", (attempt) => html`<${Answer} attempt=${attempt} />`],
  ];
  const id = ({ replay_count, attempt }) => `${replay_count}.${attempt}`;
  return html`<${Table} label="Attempts" columns=${columns} rows=${attempts} id=${id} />`;
}

function name(replays, attempt) {
  if (replays === 0) return String(attempt);
  return `${attempt} of replay ${replays}`;
}

function Answer({ attempt }) {
  const { answer, previous_secret, status } = attempt;
  const nothing = status >= 200 && status < 300 ? "not kept" : "empty";
  return html`
    ${answer ? html`<pre class="answer"><code>${answer}</code></pre>` : html`<small>${nothing}</small>`}
    <${SecretHint} attempt=${attempt} />
    ${previous_secret && html`<p><small>Accepted with the previous secret only: configure the new one in the backend.</small></p>`}
  `;
}
