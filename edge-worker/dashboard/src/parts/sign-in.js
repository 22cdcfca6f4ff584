// Asks for the admin token. It is sent once and kept nowhere.

import { html } from "htm/preact";
import { useId, useState } from "preact/hooks";
import { duration, sentence } from "../format.js";
import { useAction } from "../load.js";
import { session, signIn } from "../session.js";
import { useStore } from "../store.js";
import { Notice } from "./notice.js";
import { Time, useNow } from "./time.js";

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
  const [until, setUntil] = useState(0);
  const now = useNow(1000);
  const [run, busy, error] = useAction(async () => {
    try {
      await signIn(token);
    } catch (error) {
      if (error.code === "rate_limited") setUntil(Date.now() + (error.retryAfter ?? 60) * 1000);
      throw error;
    }
  });
  const mustWait = until > now;
  const submit = (event) => {
    event.preventDefault();
    if (!mustWait) run();
  };
  return html`
    <form onSubmit=${submit}>
      <div class="field">
        <label for=${id}>Admin token</label>
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
        <small>The value of <code>GATEWAY_ADMIN_TOKEN</code>. The session lasts 12 hours.</small>
      </div>
      ${error && html`<${Why} error=${error} until=${until} />`}
      <footer>
        <button type="submit" class="primary" disabled=${mustWait} aria-disabled=${busy}>
          ${mustWait ? `Wait ${duration(Math.ceil((until - now) / 1000) * 1000)}` : "Sign in"}
        </button>
      </footer>
    </form>
  `;
}

function Why({ error, until }) {
  if (error.code === "unauthorized") {
    return html`<${Notice} tone="bad" title="This is not the token.">
      It is compared as it stands: look for a blank or a line break that was copied along.
    <//>`;
  }
  if (error.code === "rate_limited") {
    const at = new Date(until).toISOString();
    return html`<${Notice} tone="bad" title="Too many wrong tokens came from here.">
      Try again at <${Time} at=${at} />. Until then nothing is compared, not even the right one.
    <//>`;
  }
  return html`<${Notice} tone="bad" title="You are not signed in.">${sentence(error.message)}<//>`;
}
