// Which tasks were erased: the gateway has their ids no more, and names them by digests.

/** Returns those of some tasks' ids whose SHA-256, in hex, is among `digests`. */
export async function erasedAmong(ids, digests) {
  const distinct = [...new Set(ids)];
  const own = await Promise.all(distinct.map(digestOf));
  return distinct.filter((_, nth) => digests.has(own[nth]));
}

async function digestOf(id) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
