// Calls the API by the names of its operations, and checks requests and answers against its document.

import assert from "node:assert/strict";
import { TOKEN } from "../gateway.js";
import { exchange, head } from "../raw.js";
import { against, checkAnswer, OPERATIONS } from "./api-document.js";
import { elsewhere } from "./caller.js";

export { DOCUMENT, OPERATIONS, seen } from "./api-document.js";

/** Names that nothing has, in the form that they have to have. */
export const MISSING = {
  task_id: "nobody",
  endpoint_id: "ep_60000",
  destination_id: "ep_60001",
  delivery_id: "dlv_0_1",
  token_id: `tok_${"0".repeat(16)}`,
  replay_id: `rpl_${"0".repeat(16)}`,
  shard: "1000",
  fingerprint: "00000000",
};

/** What the document has against a request; nothing where it allows it. */
function objection(
  { parameters, body: schema, needsBody },
  { path = {}, query = {}, headers = {}, body },
) {
  for (const parameter of parameters) {
    const sent = { path, query, header: headers }[parameter.in][parameter.name];
    if (sent === undefined) continue;
    const value = parameter.schema.type === "integer" ? Number(sent) : sent;
    const fault = against(parameter.schema, value);
    if (fault) return `${parameter.name}: ${fault}`;
  }
  const known = parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  const stray = Object.keys(query).find((name) => !known.includes(name));
  if (stray) return `${stray} is no parameter`;
  if (body === undefined) return needsBody ? "no body" : undefined;
  if (schema === undefined) return undefined;
  let value;
  try {
    value = JSON.parse(body);
  } catch {
    return "no JSON";
  }
  return against(schema, value);
}

/**
 * Calls an operation by its name, as the administrator unless `headers` say otherwise; `json` is its body as
 * a value, `body` as bytes; what its path leaves open is MISSING. What the document does not name fails: a status, a field, a request that is
 * served though the document forbids it, and, unless it is `beyond` what a schema can say, one that is
 * refused as invalid though the document allows it.
 */
export async function call(gateway, id, { json, beyond = false, from, ...request } = {}) {
  const operation = OPERATIONS.find((operation) => operation.id === id);
  assert.ok(operation, `there is no operation ${id}`);
  const sent = { ...request, body: json === undefined ? request.body : JSON.stringify(json) };
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(sent.path?.[name] ?? MISSING[name]),
  );
  const query = new URLSearchParams(sent.query).toString();
  const answer = await fetch(`${gateway.url}${path}${query && `?${query}`}`, {
    method: operation.method,
    headers: {
      "cf-connecting-ip": from ?? elsewhere(),
      ...(!operation.isOpen && { authorization: `Bearer ${TOKEN}` }),
      ...sent.headers,
    },
    body: sent.body,
  });
  const { status, headers: given } = answer;
  const isStream = given.get("content-type")?.startsWith("text/event-stream");
  // A stream goes on: that it has begun is all that the document can be asked about.
  const text = isStream ? await answer.body.cancel().then(() => "") : await answer.text();
  const body = checkAnswer(operation, { status, headers: given, text });
  const fault = objection(operation, sent);
  if (answer.ok) assert.equal(fault, undefined, `${id} is served`);
  if (answer.status === 400 && !beyond) assert.ok(fault, `${id} is refused: ${body.message}`);
  return { status, headers: given, body };
}

/** Calls an operation by its name with a body in pieces, as no client library would send it. */
export async function callRaw(gateway, id, headers, ...pieces) {
  const operation = OPERATIONS.find((operation) => operation.id === id);
  assert.ok(operation, `there is no operation ${id}`);
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => MISSING[name]);
  const answer = await exchange(gateway.url, head(operation.method, path, headers), ...pieces);
  const lines = answer.head.split("\r\n").slice(1);
  const given = new Headers(lines.map((line) => line.split(/: ?(.*)/, 2)));
  return {
    status: answer.status,
    body: checkAnswer(operation, { ...answer, headers: given, text: answer.body }),
  };
}
