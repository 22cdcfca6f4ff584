// Tokens with a scope, as an administrator creates them.

import assert from "node:assert/strict";
import { ask, bearer } from "./caller.js";

/** Creates a token; returns it as it is answered. */
export async function createToken(gateway, scope, more = {}) {
  const json = { name: `of the tests: ${scope}`, scope, ...more };
  const { status, body } = await gateway.api("/api/tokens", { json });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

export const revoke = (gateway, { id }) => gateway.api(`/api/tokens/${id}`, { method: "DELETE" });

/** The status of a request that needs the scope `read`, by a token. */
export const statusBy = async (gateway, { token }) =>
  (await ask(gateway, "/api/openapi.json", { headers: bearer(token) })).status;
