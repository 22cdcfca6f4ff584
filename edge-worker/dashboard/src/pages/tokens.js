// Settings → Tokens: what programs and people are let in by, and what each may do.

import { html } from "htm/preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useLoad } from "../api/load.js";
import { get, send } from "../api/requests.js";
import { CreateToken } from "../parts/access/token-create.js";
import { Confirm } from "../parts/dialog.js";
import { ShownOnce } from "../parts/endpoints/secret.js";
import { Page } from "../parts/page.js";
import { announce } from "../parts/status/announce.js";
import { Badge } from "../parts/status/badge.js";
import { Empty, Failure, Loading } from "../parts/status/notice.js";
import { Table } from "../parts/table.js";
import { Relative, Time } from "../parts/time.js";

export function Tokens() {
  const { data, error, reload, change } = useLoad((signal) => get("/api/tokens", { signal }));
  // In the memory of the page alone, so that a reload forgets them.
  const [created, setCreated] = useState([]);
  const forget = (id) => setCreated((tokens) => tokens.filter((token) => token.id !== id));
  const [revoking, setRevoking] = useState();
  const heading = useRef();
  const add = ({ token, ...listed }) => {
    announce("Token created. It is shown this once.");
    setCreated((tokens) => [{ ...listed, token }, ...tokens]);
    // Without the list there is nothing to change.
    if (data === undefined) reload();
    else change(({ tokens }) => ({ tokens: [listed, ...tokens] }));
  };
  const revoked = ({ id }) => {
    announce("Token revoked.");
    setRevoking(undefined);
    forget(id);
    change(({ tokens }) => ({ tokens: tokens.filter((token) => token.id !== id) }));
  };
  const count = data?.tokens.length;
  const before = useRef();
  useLayoutEffect(() => {
    // What was revoked has taken the focus with it.
    if (count < before.current) heading.current.focus();
    before.current = count;
  }, [count]);
  return html`
    <${Page} title="Tokens" about="What programs and people are let in by. Give each the least scope that does.">
      <section class="card">
        <h2>New token</h2>
        <${CreateToken} onDone=${add} />
        ${created.map(
          ({ id, name, token }) => html`
            <${ShownOnce} key=${id} heading=${`New token: ${name}`} label="Token" name=${`the token ${name}`} text=${token} onClose=${() => forget(id)}>
              It is <strong class="long">${name}</strong>. Give it to whom it is for, over a safe way. If it is lost, revoke it and create another one.
            <//>
          `,
        )}
      </section>
      <h2 ref=${heading} tabindex="-1">Tokens in use</h2>
      <${Failure} error=${error} what="The tokens were not loaded." retry=${reload} />
      ${data === undefined && !error && html`<${Loading} what="tokens" />`}
      ${count === 0 && html`<${Empty} title="No token yet."><p>Create one above, so that nobody needs the admin token every day.</p><//>`}
      ${count > 0 && html`<${Table} label="Tokens" columns=${columns(setRevoking)} rows=${data.tokens} id=${({ id }) => id} />`}
      ${
        revoking &&
        html`<${Revoke} token=${revoking} onDone=${revoked} onClose=${() => setRevoking(undefined)} />`
      }
    <//>
  `;
}

const columns = (revoke) => [
  [
    "Name",
    ({ name, id }) =>
      html`<span class="long" title=${name}>${name}</span> <small><code>${id}</code></small>`,
  ],
  [
    "Scope",
    ({ scope }) => html`<${Badge} tone=${scope === "admin" ? "warning" : "plain"}>${scope}<//>`,
  ],
  ["Created", ({ created_at }) => html`<${Time} at=${created_at} />`],
  ["Expires", ({ expires_at }) => (expires_at ? html`<${Relative} at=${expires_at} />` : "never")],
  [
    "Last used",
    ({ last_used_at }) => (last_used_at ? html`<${Relative} at=${last_used_at} />` : "never"),
  ],
  [
    "Action",
    (token) =>
      html`<button type="button" aria-label=${`Revoke ${token.name}`} onClick=${() => revoke(token)}>Revoke</button>`,
  ],
];

function Revoke({ token, onDone, onClose }) {
  const act = () => send("DELETE", `/api/tokens/${token.id}`);
  return html`
    <${Confirm} title="Revoke token" verb="Revoke" danger act=${act} onDone=${onDone} onClose=${onClose}>
      <p><strong class="long">${token.name}</strong></p>
      <p>Within 30 seconds it is refused, its sessions end, and so do its live streams. This can't be undone.</p>
    <//>
  `;
}
