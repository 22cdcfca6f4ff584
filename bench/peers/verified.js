// What the Workers in JavaScript do first with a request: they verify it with WebCrypto, by a key that is imported once,
// and refuse it in the words of the gateway.

export const HEADERS = { "content-type": "application/json", "cache-control": "no-store" };
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

/** Returns the body of a request that is signed right, else the answer that refuses it. */
export async function verified(request, secret) {
  const { pathname } = new URL(request.url);
  if (pathname !== "/webhooks/vtryon") return { refused: new Response(null, { status: 404 }) };
  if (request.method !== "POST") return { refused: new Response(null, { status: 405 }) };
  const signature = parsed(request.headers.get("x-vtryon-signature"));
  if (!signature) return { refused: unauthorized() };
  const body = await request.arrayBuffer();
  key ??= await imported(secret);
  const isSigned = await crypto.subtle.verify("HMAC", key, signature, body);
  return isSigned ? { body } : { refused: unauthorized() };
}

const unauthorized = () => new Response(REFUSED, { status: 401, headers: HEADERS });
