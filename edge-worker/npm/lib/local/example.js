// What the gateway on this machine prints once it serves: everything for a first signed event, to be pasted into a POSIX
// shell as it is. Windows has one with Git: it has curl, openssl and sed too. The README shows the same lines.

import { quote } from "../shell.js";

const body = '{"event":"generation.status_changed","task_id":"task_123","status":"queued"}';

/**
 * @param {string} url
 * @param {Record<string, string>} secrets
 */
export function example(url, secrets, platform = process.platform) {
  const { VTRYON_WEBHOOK_SECRET: secret = "", GATEWAY_ADMIN_TOKEN: token = "" } = secrets;
  return `
Gateway          ${url}
Webhook secret   ${secret}
Admin token      ${token}
Dashboard        ${url}/ (sign in with the admin token)

Post a signed event and read its task${platform === "win32" ? ", in Git Bash" : ""}:

SECRET=${quote(secret)}
TOKEN=${quote(token)}
URL=${url}
BODY=${quote(body)}
SIGNATURE=$(printf '%s' "$BODY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //')
curl -sS -w '\\n' "$URL/webhooks/vtryon" -H "x-vtryon-signature: $SIGNATURE" --data-binary "$BODY"
curl -sS -w '\\n' "$URL/api/tasks/task_123" -H "authorization: Bearer $TOKEN"
`;
}
