// A minimal Worker that verifies Vtryon's webhooks with WebCrypto: the key is imported once, a body that is signed
// right is parsed, and the answers are those of the gateway. It stores nothing.

const HEADERS = { "content-type": "application/json", "cache-control": "no-store" };
const REFUSED = JSON.stringify({
  error: "unauthorized",
  message: "the credentials of this request are missing or wrong",
});

let key;

const imported = (secret) =>
  crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );

/** Reads 64 hex digits; anything else is no signature. */
function parsed(header) {
  if (header === null || !/^[0-9a-f]{64}$/i.test(header)) return undefined;
  return Uint8Array.fromHex(header);
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/webhooks/vtryon") return new Response(null, { status: 404 });
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const signature = parsed(request.headers.get("x-vtryon-signature"));
    if (!signature) return new Response(REFUSED, { status: 401, headers: HEADERS });
    const body = await request.arrayBuffer();
    key ??= await imported(env.SECRET);
    if (!(await crypto.subtle.verify("HMAC", key, signature, body))) {
      return new Response(REFUSED, { status: 401, headers: HEADERS });
    }
    const event = JSON.parse(new TextDecoder().decode(body));
    if (typeof event.task_id !== "string") return new Response(null, { status: 400 });
    return new Response('{"received":true}', { headers: HEADERS });
  },
};
