// A delivery's request as a command for a shell: as its receiver got it, with placeholders for what is secret.

/** What stands for the signatures, and for the values of an endpoint's own headers. */
const PLACEHOLDER = "REPLACE";

/** Returns the command for one of a delivery's attempts; `body` are the bytes that its event has. */
export function curl({ delivery, attempt, endpoint, body }) {
  const { id, webhook_id, outcome } = delivery;
  const { replay_count } = attempt;
  const headers = [
    ["content-type", "application/json"],
    ["x-vtryon-signature", PLACEHOLDER],
    ["webhook-id", webhook_id],
    ["webhook-timestamp", String(Math.floor(Date.parse(attempt.attempted_at) / 1000))],
    ["webhook-signature", `v1,${PLACEHOLDER}`],
    ["x-vtryon-delivery", replay_count === 0 ? id : `${id}.${replay_count}`],
    ["x-vtryon-attempt", String(attempt.attempt)],
    ["x-vtryon-outcome", outcome],
    ...endpoint.headers.map((name) => [name, PLACEHOLDER]),
    ...(endpoint.auth ? [["authorization", `${SCHEMES[endpoint.auth]} ${PLACEHOLDER}`]] : []),
  ];
  const text = textOf(body);
  // Only text is shown as it is: an argument holds no byte 0, and other control characters act in a terminal.
  const from = text === undefined ? `printf %s ${quote(base64(body))} | base64 -d | ` : "";
  const data = text === undefined ? "--data-binary @-" : `--data-raw ${quote(text)}`;
  const lines = [
    `${from}curl -sS -i ${quote(endpoint.url)}`,
    ...headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    data,
  ];
  return lines.join(" \\\n  ");
}

const SCHEMES = { basic: "Basic", bearer: "Bearer" };

/** Quotes an argument for a shell (POSIX, 2.2.2). */
const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function textOf(body) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    return /(?![\t\n])\p{Cc}/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** Reads bytes that the API has in base64. */
export const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
