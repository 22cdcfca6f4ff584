// What the gateway on this machine prints once it serves: everything for a first signed event, to be pasted into a shell
// as it is. The README shows the same lines.

const body = '{"event":"generation.status_changed","task_id":"task_123","status":"queued"}';

/**
 * @param {string} url
 * @param {Record<string, string>} secrets
 */
export function example(url, secrets) {
  return `
Gateway          ${url}
Webhook secret   ${secrets.VTRYON_WEBHOOK_SECRET}
Admin token      ${secrets.GATEWAY_ADMIN_TOKEN}
Dashboard        ${url}/ (sign in with the admin token)

Post a signed event and read its task:

SECRET=${quote(secrets.VTRYON_WEBHOOK_SECRET)}
TOKEN=${quote(secrets.GATEWAY_ADMIN_TOKEN)}
URL=${url}
BODY=${quote(body)}
SIGNATURE=$(printf '%s' "$BODY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //')
curl -sS -w '\\n' "$URL/webhooks/vtryon" -H "x-vtryon-signature: $SIGNATURE" --data-binary "$BODY"
curl -sS -w '\\n' "$URL/api/tasks/task_123" -H "authorization: Bearer $TOKEN"
`;
}

/**
 * Quotes a text as one word of a POSIX shell.
 * @param {string | undefined} text
 */
const quote = (text = "") => `'${text.replaceAll("'", `'\\''`)}'`;
