// How a task ended: its image, fetched when it is asked for and not before, or why it failed.

import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { CopyButton } from "../copy.js";
import { Notice } from "../status/notice.js";

export function Result({ task }) {
  if (task.failure) {
    return html`<${Notice} tone="bad" title="It failed.">${task.failure.message}<//>`;
  }
  if (task.result_url === undefined || task.result_url === null) {
    return task.status === "failed"
      ? html`<p>Vtryon gave no reason.</p>`
      : html`<p>Vtryon gave no URL of a result.</p>`;
  }
  const url = https(task.result_url);
  if (url === undefined) {
    return html`
      <p>This is not an https URL, so it is shown as text alone:</p>
      <p class="joined"><code class="long">${task.result_url}</code><${CopyButton} text=${task.result_url} label="the result's URL" /></p>
    `;
  }
  return html`<${Picture} key=${url} url=${url} />`;
}

/** Returns a URL where it is one of https. */
function https(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "https:" ? url.href : undefined;
}

function Picture({ url }) {
  const [state, setState] = useState("hidden");
  return html`
    <p class="joined">
      <a href=${url} target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer" class="long">${url}</a>
      <${CopyButton} text=${url} label="the result's URL" />
    </p>
    ${
      state === "hidden" &&
      html`<p>
        <button type="button" onClick=${() => setState("shown")}>Show the image</button>
        <small> Its host will see your address, but not where you come from.</small>
      </p>`
    }
    ${
      state === "shown" &&
      html`<img
        src=${url}
        alt="Result of this task"
        class="result"
        referrerpolicy="no-referrer"
        decoding="async"
        onError=${() => setState("failed")}
      />`
    }
    ${
      state === "failed" &&
      html`<${Notice} tone="warning" title="The image could not be loaded.">
        It may be gone, or its host may not show it here. Open the link instead.
      <//>`
    }
  `;
}
