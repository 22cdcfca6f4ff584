// One endpoint or alert destination: how it stands, and all that can be done about it.

import { html } from "htm/preact";
import { useId, useRef, useState } from "preact/hooks";
import { onlyOnce, useAction } from "../../api/load.js";
import { send } from "../../api/requests.js";
import { sentence } from "../../format.js";
import { announce } from "../status/announce.js";
import { Badge } from "../status/badge.js";
import { Failure, Notice } from "../status/notice.js";
import { Relative, Time } from "../time.js";
import { authLabel } from "./credentials.js";
import { Delete, Edit, Retire, Rotate } from "./dialogs.js";
import { Secret } from "./secret.js";
import { TestResult } from "./test-result.js";

const DIALOGS = { Edit, Rotate, Retire, Delete };

const REASONS = {
  administrator: "It was disabled by hand.",
  gone: "It answered 410 twice in a row, which says that it is gone.",
  failing: "It failed for five days on end.",
};

/**
 * `onChange` is given the endpoint as it is then, or nothing when it was deleted; with `isPage` the card is on the
 * endpoint's own page.
 */
export function EndpointCard({ kind, endpoint, secret, onSecret, onChange, isPage = false }) {
  const id = useId();
  const title = useRef();
  const [dialog, setDialog] = useState();
  const close = () => setDialog(undefined);
  const done = (changed) => {
    close();
    const wasDeleted = dialog === "Delete";
    announce(`The ${kind.noun} was ${wasDeleted ? "deleted" : "changed"}`);
    if (changed.secret) onSecret(changed.secret);
    onChange(wasDeleted ? undefined : changed);
  };
  const Chosen = DIALOGS[dialog];
  const [change, changing, changeError] = useAction(async (body) => {
    done(await send("PATCH", `${kind.path}/${endpoint.id}`, { body }));
  });
  const { enabled, paused } = endpoint;
  const [test, testing, testError] = useAction(() =>
    send("POST", `${kind.path}/${endpoint.id}/test`),
  );
  const [tested, setTested] = useState();
  const runTest = async () => {
    setTested(undefined);
    setTested(await test());
  };
  const forget = () => {
    onSecret(undefined);
    // The button has gone with the secret.
    title.current.focus();
  };
  const open = (name) => () => setDialog(name);
  return html`
    <article class="card endpoint" aria-labelledby=${id}>
      <header>
        <div>
          <h3 ref=${title} id=${id} tabindex="-1" class="long">${endpoint.url}</h3>
          ${endpoint.description && html`<p>${endpoint.description}</p>`}
        </div>
        <${Badge} tone=${enabled && !paused ? "good" : "warning"}>${condition(endpoint)}<//>
      </header>
      <${Troubles} kind=${kind} endpoint=${endpoint} />
      ${secret && html`<${Secret} secret=${secret} onClose=${forget} />`}
      <${Facts} kind=${kind} endpoint=${endpoint} isPage=${isPage} />
      <div class="actions" role="group" aria-label="Actions">
        <button type="button" disabled=${!enabled || paused} aria-disabled=${testing} onClick=${onlyOnce(runTest)}>
          ${testing ? "Sending…" : `Send ${kind.test}`}
        </button>
        <button type="button" onClick=${open("Edit")}>Edit</button>
        <button type="button" onClick=${open("Rotate")}>Rotate secret</button>
        ${
          endpoint.secrets.length > 1 &&
          html`<button type="button" onClick=${open("Retire")}>Retire previous secret</button>`
        }
        ${
          kind.canPause &&
          html`<button type="button" aria-disabled=${changing} onClick=${onlyOnce(() => change({ paused: !paused }))}>${paused ? "Resume" : "Pause"}</button>`
        }
        <button type="button" aria-disabled=${changing} onClick=${onlyOnce(() => change({ enabled: !enabled }))}>${enabled ? "Disable" : "Enable"}</button>
        <button type="button" class="danger quiet" onClick=${open("Delete")}>Delete</button>
      </div>
      <${Failure} error=${changeError} what=${`The ${kind.noun} was not changed.`} />
      <${Failure} error=${testError} what="No test was sent." />
      ${tested && html`<${TestResult} kind=${kind} delivery=${tested} onClose=${() => setTested(undefined)} />`}
      ${Chosen && html`<${Chosen} kind=${kind} endpoint=${endpoint} onDone=${done} onClose=${close} />`}
    </article>
  `;
}

function condition({ enabled, paused }) {
  if (!enabled) return "Disabled";
  return paused ? "Paused" : "Enabled";
}

function Troubles({ kind, endpoint: { disabled, paused, problem, applied, shards } }) {
  return html`
    ${
      disabled &&
      html`<${Notice} tone="warning" title="Nothing is delivered to it.">
        ${REASONS[disabled.reason] ?? disabled.reason} Since <${Time} at=${disabled.at} />. ${kind.disabled}
      <//>`
    }
    ${
      paused &&
      html`<${Notice} tone="warning" title="It is paused.">
        Its deliveries wait, those of new events too. Resume it, and they go out.
      <//>`
    }
    ${problem && html`<${Notice} tone="bad" title="Its deliveries can't be made.">${sentence(problem)}<//>`}
    ${
      applied < shards &&
      html`<${Notice} title="The change is in progress.">
        ${applied} of ${shards} shards have these settings already; the others are sent them until they do.
      <//>`
    }
  `;
}

function Facts({ kind, endpoint, isPage }) {
  const [current, previous] = endpoint.secrets;
  return html`
    <dl class="facts">
      <div><dt>Id</dt><dd><code>${endpoint.id}</code></dd></div>
      <div>
        <dt>Secret</dt>
        <dd><code title="Fingerprint of the secret">${current.fingerprint}</code>, since <${Time} at=${current.created_at} /></dd>
      </div>
      ${
        previous &&
        html`<div>
          <dt>Previous secret</dt>
          <dd><code title="Fingerprint of the secret">${previous.fingerprint}</code>${
            previous.expires_at && html`, ends <${Relative} at=${previous.expires_at} />`
          }</dd>
        </div>`
      }
      ${kind.factsOf(endpoint).map(([name, text]) => html`<div key=${name}><dt>${name}</dt><dd>${text}</dd></div>`)}
      ${
        endpoint.headers.length > 0 &&
        html`<div><dt>Headers</dt><dd><code class="long">${endpoint.headers.join(", ")}</code></dd></div>`
      }
      ${endpoint.auth && html`<div><dt>Authentication</dt><dd>${authLabel(endpoint.auth)}</dd></div>`}
      ${kind.page && !isPage && html`<div><dt>Health</dt><dd><a href=${kind.page(endpoint)}>Charts and load</a></dd></div>`}
      <div><dt>Deliveries</dt><dd><a href=${`/deliveries?endpoint=${endpoint.id}`}>Show them</a></dd></div>
    </dl>
  `;
}
