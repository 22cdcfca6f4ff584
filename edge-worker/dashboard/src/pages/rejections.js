// Why webhooks were refused, and what to do about it.

import { html } from "htm/preact";
import { useEvery, useLoad } from "../api/load.js";
import { get } from "../api/requests.js";
import { bytes, count, sentence } from "../format.js";
import { Page } from "../parts/page.js";
import { Badge } from "../parts/status/badge.js";
import { Empty, Failure, Loading } from "../parts/status/notice.js";
import { Relative, Time } from "../parts/time.js";

/** The kind of path that is meant where none is shown. */
const WEBHOOK = "/webhooks/vtryon";

export function Rejections() {
  const { data, error, reload, poll } = useLoad((signal) => get("/api/rejections", { signal }));
  useEvery(20_000, poll);
  return html`
    <${Page} title="Rejections" about="Requests that were refused before they reached a task: what was posted to the webhook, signed webhooks that were posted to another path below /webhooks or /api, and bodies that did not arrive whole.">
      <${Failure} error=${error} what="The rejections were not loaded." retry=${reload} />
      ${data === undefined && !error && html`<${Loading} what="rejections" />`}
      ${data?.rejections.length === 0 && html`<${Empty} title="Nothing was refused."><p>Once a request is, its likely mistake stands here, about ten seconds later.</p><//>`}
      ${data?.rejections.map((rejection) => html`<${Cause} key=${`${rejection.code} ${rejection.path}`} rejection=${rejection} />`)}
      ${data && html`<p class="note"><small>${data.note}</small></p>`}
    <//>
  `;
}

function Cause({ rejection }) {
  const { code, path, summary, mistake, hint, first_sample, last_sample } = rejection;
  const isOne = JSON.stringify(first_sample) === JSON.stringify(last_sample);
  return html`
    <article class="card" aria-label=${path === WEBHOOK ? code : `${code} at ${path}`}>
      <header>
        <div>
          <h2><code>${code}</code></h2>
          <p>${sentence(summary)}</p>
        </div>
        <${Badge} tone="warning">${count(rejection.count, "request")}<//>
      </header>
      <p class="advice"><strong>What to do.</strong> ${sentence(hint)}</p>
      <dl class="facts">
        ${mistake && html`<div><dt>Likely mistake</dt><dd><code>${mistake}</code></dd></div>`}
        ${path !== WEBHOOK && html`<div><dt>Path</dt><dd><code>${path}</code></dd></div>`}
        <div><dt>Last</dt><dd><${Relative} at=${rejection.last_at} /></dd></div>
        <div><dt>First</dt><dd><${Time} at=${rejection.first_at} /></dd></div>
      </dl>
      ${last_sample && html`<${Sample} sample=${last_sample} title="The last one" />`}
      ${first_sample && !isOne && html`<${Sample} sample=${first_sample} title=${firstTitle(first_sample)} />`}
    </article>
  `;
}

/** The first sample gives way to one whose mistake is recognised: strangers can't overwrite it. */
function firstTitle({ mistake }) {
  return mistake === null || mistake === "unknown"
    ? "The first one"
    : "The first with this mistake";
}

function Sample({ sample, title }) {
  const { signature } = sample;
  const form =
    signature.length === 0
      ? "none"
      : `${count(signature.length, "character")}, ${signature.is_hex ? "hex" : "not hex"}`;
  return html`
    <details>
      <summary>${title}</summary>
      <div class="body">
        <dl class="facts">
          <div><dt>Received</dt><dd><${Time} at=${sample.received_at} /></dd></div>
          <div><dt>Content type</dt><dd><code class="long">${sample.content_type ?? "none"}</code></dd></div>
          <div><dt>Body</dt><dd>${sample.body_bytes === null ? "not read" : bytes(sample.body_bytes)}</dd></div>
          <div><dt>Signature</dt><dd>${form}</dd></div>
          ${sample.mistake && html`<div><dt>Mistake</dt><dd><code>${sample.mistake}</code></dd></div>`}
        </dl>
        ${sample.head && html`<pre class="answer" tabindex="0" aria-label="Beginning of the body"><code>${sample.head}</code></pre>`}
      </div>
    </details>
  `;
}
