// What came of a test.

import { html } from "htm/preact";
import { duration } from "../../format.js";
import { taskPath } from "../../paths.js";
import { SecretHint, Verdict } from "../deliveries/attempts.js";
import { reasonOf } from "../deliveries/delivery.js";
import { Notice } from "../status/notice.js";

export function TestResult({ kind, delivery, onClose }) {
  const attempt = delivery.attempts.at(-1);
  const isDelivered = delivery.state === "delivered";
  const isPending = delivery.state === "pending";
  return html`
    <${Notice}
      tone=${isDelivered ? "good" : "bad"}
      title=${`The ${kind.test} was ${isDelivered ? "" : "not "}delivered.`}
      onClose=${onClose}
    >
      <dl class="facts">
        <div><dt>Answer</dt><dd>${attempt ? html`<${Verdict} attempt=${attempt} />` : "None yet"}</dd></div>
        <div><dt>Latency</dt><dd>${attempt ? duration(attempt.took_ms) : "–"}</dd></div>
        <div><dt>Delivery</dt><dd><a href=${`/deliveries/${delivery.id}`}><code>${delivery.id}</code></a></dd></div>
        ${delivery.task_id && html`<div><dt>Task</dt><dd><a href=${taskPath(delivery.task_id)}><code class="long">${delivery.task_id}</code></a></dd></div>`}
      </dl>
      ${attempt?.answer && html`<pre class="answer" tabindex="0" aria-label="Answer"><code>${attempt.answer}</code></pre>`}
      <${SecretHint} attempt=${attempt} />
      ${isPending && html`<p>It is tried again on the usual schedule.</p>`}
      ${delivery.state === "dead" && html`<p>It is not tried again: ${reasonOf(delivery) ?? "it is a dead letter"}.</p>`}
    <//>
  `;
}
