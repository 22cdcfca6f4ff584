// The document of the API: its operations, and the check of answers against it.

import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { read } from "../../../pages.js";

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

/** Compiled schemas, by their text. */
const compiled = new Map();

/** Tells what a schema of the document has against a value; nothing where it fits. */
export function against(schema, value) {
  const refs = JSON.stringify(schema).replaceAll('"#/', '"document#/');
  if (!compiled.has(refs)) compiled.set(refs, ajv.compile(JSON.parse(refs)));
  const validate = compiled.get(refs);
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

/** The same for a schema by its name. */
export const againstSchema = (name, value) =>
  against({ $ref: `#/components/schemas/${name}` }, value);

/** Every operation: its name, method and path, its parameters, body and answers. */
export const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => {
    const operation = item[method];
    return {
      id: operation.operationId,
      scope: operation["x-scope"],
      method: method.toUpperCase(),
      path,
      pattern: new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
      parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(follow),
      body: operation.requestBody?.content["application/json"]?.schema,
      hasBody: operation.requestBody !== undefined,
      needsBody: operation.requestBody?.required ?? false,
      answers: Object.fromEntries(
        Object.entries(operation.responses).map(([status, answer]) => [status, follow(answer)]),
      ),
      isOpen: operation.security?.length === 0,
    };
  }),
);

/** Finds the operation that a method of a path is; the fixed paths go before those with parameters. */
function operationOf(method, path) {
  const [name] = path.split("?");
  const found = OPERATIONS.filter(
    (operation) => operation.method === method && operation.pattern.test(name),
  );
  return found.find((operation) => operation.path === name) ?? found[0];
}

/** Which answers were seen, as `operation status`. */
export const seen = new Set();

/** Holds an answer to the document: its status, its type, its headers, its content. */
export function checkAnswer(operation, { status, headers, text }) {
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
 * Holds an answer to a request of `/api` to the document, whatever state the gateway is in; what the document has no
 * operation for is answered with an error.
 */
export function checkApiAnswer(method, path, { status, headers, text }) {
  if (method === "HEAD") return;
  const operation = operationOf(method, path);
  if (operation) {
    checkAnswer(operation, { status, headers, text });
    return;
  }
  assert.ok(status >= 400, `${method} ${path} is answered ${status}, but not documented`);
  assert.equal(againstSchema("Error", JSON.parse(text)), undefined, `${method} ${path} ${status}`);
}
