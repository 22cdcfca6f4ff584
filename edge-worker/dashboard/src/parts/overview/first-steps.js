// What to do with a gateway that nothing has happened to yet.

import { html } from "htm/preact";
import { CopyField, Snippet } from "../copy.js";

const webhookUrl = () => `${location.origin}/webhooks/vtryon`;

/** The URL that Vtryon has to know. */
export function GatewayUrl() {
  return html`<${CopyField} label="URL of this gateway" name="the URL of this gateway" text=${webhookUrl()} />`;
}

/** A first signed event by hand: one command, so that it can be pasted as a whole, and ask for the secret. */
export function FirstEvent() {
  const lines = [
    "bash <<'COMMANDS'",
    `[ -n "$SECRET" ] || read -rsp 'VTRYON_WEBHOOK_SECRET of this gateway: ' SECRET </dev/tty`,
    `BODY='{"event":"generation.status_changed","task_id":"task_123","status":"queued"}'`,
    `SIGNATURE=$(printf '%s' "$BODY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //')`,
    `curl -sS -w '\\n' "${webhookUrl()}" \\`,
    `  -H "x-vtryon-signature: $SIGNATURE" --data-binary "$BODY"`,
    "COMMANDS",
  ];
  return html`<${Snippet} label="Send a first signed event yourself" text=${lines.join("\n")} />`;
}

/** The way to the first event, and on to a backend. */
export function FirstSteps() {
  return html`
    <section class="card" aria-label="First steps">
      <h2>First steps</h2>
      <ol class="first">
        <li>
          Paste this URL into Settings → Webhooks of your Vtryon account. The secret that Vtryon shows then is <code>VTRYON_WEBHOOK_SECRET</code> of this gateway.
          <${GatewayUrl} />
        </li>
        <li>
          Start a try-on, or send an event by hand: it shows up below by itself. The commands ask for the secret.
          <${FirstEvent} />
        </li>
        <li>
          Register your backend, so that events go on to it, and send it a test event.
          <div class="actions"><a class="button" href="/settings/webhooks">Register your backend</a></div>
        </li>
      </ol>
    </section>
  `;
}
