// What to do with a gateway that nothing has happened to yet.

import { html } from "htm/preact";
import { CopyField, Snippet } from "./copy.js";

export const webhookUrl = () => `${location.origin}/webhooks/vtryon`;

/** The URL that Vtryon has to know. */
export function GatewayUrl() {
  return html`<${CopyField} label="URL of this gateway" name="the URL of this gateway" text=${webhookUrl()} />`;
}

/** A first signed event by hand. */
export function FirstEvent() {
  const lines = [
    "# SECRET is what Vtryon signs with: VTRYON_WEBHOOK_SECRET of this gateway",
    `BODY='{"event":"generation.status_changed","task_id":"task_123","status":"queued"}'`,
    `SIGNATURE=$(printf '%s' "$BODY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //')`,
    `curl -sS -w '\\n' "${webhookUrl()}" \\`,
    `  -H "x-vtryon-signature: $SIGNATURE" --data-binary "$BODY"`,
  ];
  return html`<${Snippet} label="Send a first signed event yourself" text=${lines.join("\n")} />`;
}
