// Asks for a token. It is sent once and kept nowhere.

import { html } from "htm/preact";
import { useId, useState } from "preact/hooks";
import { useAction } from "../../api/load.js";
import { session, signIn } from "../../api/session.js";
import { sentence } from "../../format.js";
import { useStore } from "../../store.js";
import { Notice } from "../status/notice.js";

export function SignIn() {
  const { access } = useStore(session);
  return access ? html`<${ByAccess} />` : html`<${ByToken} />`;
}

function ByAccess() {
  return html`
    <p>Cloudflare Access guards this gateway, and wants you to sign in there.</p>
    <footer>
      <button type="button" class="primary" onClick=${() => location.reload()}>Reload to sign in</button>
    </footer>
  `;
}

function ByToken() {
  const id = useId();
  const [token, setToken] = useState("");
  const [run, busy, error] = useAction(() => signIn(token));
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  return html`
    <form onSubmit=${submit}>
      <div class="field">
        <label for=${id}>Token</label>
        <input
          id=${id}
          type="password"
          required
          autofocus
          autocomplete="current-password"
          spellcheck="false"
          value=${token}
          onInput=${(event) => setToken(event.target.value)}
        />
        <small>The value of <code>GATEWAY_ADMIN_TOKEN</code>, or a token of your own. The session lasts 12 hours.</small>
      </div>
      ${error && html`<${Why} error=${error} />`}
      <footer>
        <button type="submit" class="primary" aria-disabled=${busy}>Sign in</button>
      </footer>
    </form>
  `;
}

function Why({ error }) {
  if (error.code === "unauthorized") {
    return html`<${Notice} tone="bad" title="This is not the token.">
      It is compared as it stands: look for a blank or a line break that was copied along.
    <//>`;
  }
  if (error.code === "rate_limited") {
    return html`<${Notice} tone="bad" title="This is not the token.">
      Many wrong tokens came from your address within a minute. The right one is accepted at any time.
    <//>`;
  }
  if (error.code === "tickets_only") {
    return html`<${Notice} tone="bad" title="This token only makes tickets.">
      Sign in with the admin token, or with a token that has another scope.
    <//>`;
  }
  return html`<${Notice} tone="bad" title="You are not signed in.">${sentence(error.message)}<//>`;
}
