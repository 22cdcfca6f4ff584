// The API as its document describes it: operations that are called by their names, and answers held to it.

import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { read } from "../readme.js";
import { elsewhere } from "./caller.js";
import { TOKEN } from "./gateway.js";

export const DOCUMENT = JSON.parse(read("edge-worker/src/api/openapi.json"));

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

const ajv = new Ajv2020.default({ strict: true, strictTypes: false, strictRequired: false });
addFormats.default(ajv);
// The document is no schema, it holds some.
ajv.addVocabulary(Object.keys(DOCUMENT));
ajv.addSchema(DOCUMENT, "document");

/** Follows a reference, where there is one. */
const follow = (part) =>
  part.$ref
    ? part.$ref
        .split("/")
        .slice(1)
        .reduce((at, name) => at[name], DOCUMENT)
    : part;

/** Tells what a schema of the document has against a value; nothing where it fits. */
function against(schema, value) {
  const refs = JSON.stringify(schema).replaceAll('"#/', '"document#/');
  const validate = ajv.compile(JSON.parse(refs));
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

/** Every operation: its name, method and path, its parameters, body and answers. */
export const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => {
    const operation = item[method];
    return {
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(follow),
      body: operation.requestBody?.content["application/json"].schema,
      needsBody: operation.requestBody?.required ?? false,
      answers: Object.fromEntries(
        Object.entries(operation.responses).map(([status, answer]) => [status, follow(answer)]),
      ),
      isOpen: operation.security?.length === 0,
    };
  }),
);

/** Names that nothing has, in the form that they have to have. */
export const MISSING = {
  task_id: "nobody",
  endpoint_id: "ep_60000",
  delivery_id: "dlv_0_1",
  replay_id: `rpl_${"0".repeat(16)}`,
  shard: "1000",
};

/** Which answers were seen, as `operation status`. */
export const seen = new Set();

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

/** Holds an answer to the document: its status, its type, its headers, its content. */
function check(operation, { status, headers, text }) {
  const answer = operation.answers[status];
  const place = `${operation.id} ${status}`;
  assert.ok(answer, `${place} is not documented: ${text}`);
  seen.add(place);
  for (const [name, header] of Object.entries(answer.headers ?? {})) {
    const value = headers.get(name);
    assert.ok(value !== null || !header.required, `${place}: no ${name}`);
    if (value === null) continue;
    const typed = header.schema.type === "integer" ? Number(value) : value;
    assert.equal(against(header.schema, typed), undefined, `${place}: ${name}`);
  }
  if (answer.content === undefined) {
    assert.equal(text, "", place);
    return undefined;
  }
  const type = headers.get("content-type").split(";")[0];
  assert.ok(answer.content[type], `${place}: ${type} is not documented`);
  const body = type === "application/json" ? JSON.parse(text) : text;
  assert.equal(against(answer.content[type].schema, body), undefined, `${place}: ${text}`);
  return body;
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
  const body = check(operation, { status, headers: given, text });
  const fault = objection(operation, sent);
  if (answer.ok) assert.equal(fault, undefined, `${id} is served`);
  if (answer.status === 400 && !beyond) assert.ok(fault, `${id} is refused: ${body.message}`);
  return { status, headers: given, body };
}
