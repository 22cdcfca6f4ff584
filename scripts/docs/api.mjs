// docs/reference/api.md: the introduction in api.md, then the operations and objects of the gateway's OpenAPI document.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { anchor, notice, page, table } from "./common.mjs";
import { document, flat, form, isObject, nameOf, resolve, SOURCE } from "./openapi.mjs";

/** What every operation with a scope may answer, and its parameter that the page explains once. */
const COMMON_ERRORS = ["unauthorized", "forbidden", "rate_limited", "unavailable"];
const COMMON_PARAMETER = "x-requested-with";

const METHODS = ["get", "post", "put", "patch", "delete", "options"];

export function api() {
  const introduction = readFileSync(join(import.meta.dirname, "api.md"), "utf8").trimEnd();
  const text = page(
    notice(`${SOURCE} and scripts/docs/api.md`),
    introduction.replace("<!-- operations -->", () => overview()),
    document.tags.map(group),
    objects(),
    "Next: [errors](errors.md), [configuration](configuration.md), [commands](cli.md).",
  );
  checkHeadings(text);
  return { "docs/reference/api.md": () => text };
}

/** The operations in the order of the document: path, method, and what the document says. */
function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      ...item[method],
      name: `${method.toUpperCase()} ${path}`,
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])]
        .map(resolve)
        .filter(({ name }) => name !== COMMON_PARAMETER),
    })),
  );
}

function overview() {
  const rows = document.tags.flatMap(({ name: tag }) =>
    operations()
      .filter(({ tags }) => tags.includes(tag))
      .map(({ name, summary, "x-scope": scope }) => [
        `[\`${name}\`](#${anchor(name)})`,
        scope ? `\`${scope}\`` : "",
        summary,
      ]),
  );
  return table(["operation", "[scope](#scopes)", ""], rows);
}

function group({ name: tag, description }) {
  const own = operations().filter(({ tags }) => tags.includes(tag));
  return [`## ${tag}`, description, own.map(operation)];
}

function operation(operation) {
  const { name, summary, description, security, parameters, requestBody, responses } = operation;
  const scope = operation["x-scope"];
  return [
    `### \`${name}\``,
    [`${summary}.`, description].filter(Boolean).join(" "),
    credentials(security),
    scope && `Scope: \`${scope}\`.`,
    parameters.length > 0 && [
      table(
        ["parameter", "in", "value", ""],
        parameters.map((parameter) => [
          `\`${parameter.name}\`${parameter.required ? " (required)" : ""}`,
          parameter.in,
          form(parameter.schema),
          parameter.description ?? resolve(parameter.schema).description ?? "",
        ]),
      ),
    ],
    requestBody && bodyOf(requestBody),
    answers(responses),
    errorsOf(responses, scope),
  ].filter(Boolean);
}

const CREDENTIALS = {
  token: "a token",
  session: "a session",
  access: "Cloudflare Access",
  ticket: "a [ticket](#post-apitickets)",
  signature: "the signature of Vtryon in `x-vtryon-signature`",
};

/** Says which credentials an operation takes, if those are not the usual ones. */
function credentials(security) {
  if (security === undefined) return undefined;
  const names = security.flatMap((choice) => Object.keys(choice));
  if (names.length === 0) return "Needs no credentials.";
  const isOptional = security.some((choice) => Object.keys(choice).length === 0);
  const list = names.map((name) => CREDENTIALS[name]).join(", or ");
  return isOptional ? "Needs no other credentials." : `Credentials: ${list}.`;
}

function bodyOf({ required, content }) {
  const [[type, { schema }]] = Object.entries(content);
  const name = nameOf(schema);
  const head = `**Body**${required ? "" : " (optional)"}`;
  if (type !== "application/json") return `${head}: \`${type}\``;
  if (name) return `${head}: [\`${name}\`](#${anchor(name)})`;
  // An object of the document with other required fields.
  const [base] = schema.allOf ?? [];
  if (base) {
    const fields = schema.required.map((field) => `\`${field}\``).join(", ");
    return `${head}: [\`${nameOf(base)}\`](#${anchor(nameOf(base))}); ${fields} is required`;
  }
  return [`${head}:`, fieldsOf(schema, true)];
}

/** The answers that are no errors. */
function answers(responses) {
  return Object.entries(responses)
    .filter(([, { $ref }]) => $ref === undefined)
    .flatMap(([status, { description, content, headers }]) => {
      const schema = content?.["application/json"]?.schema ?? {};
      const name = nameOf(schema);
      const notes = [
        sentence(description),
        headers?.["set-cookie"] && "The answer sets or clears the cookie.",
        name && `See [\`${name}\`](#${anchor(name)}).`,
      ];
      const line = `**${status}**: ${notes.filter(Boolean).join(" ")}`;
      return schema.properties ? [line, fieldsOf(schema, false)] : [line];
    });
}

function errorsOf(responses, scope) {
  const shared = Object.entries(responses).filter(([, { $ref }]) => $ref !== undefined);
  const errors = shared.flatMap(([status, response]) => {
    const { error } = resolve(response).content["application/json"].schema.properties;
    return (error.enum ?? [error.const]).map((code) => ({ status, code }));
  });
  const own = errors.filter(({ code }) => !scope || !COMMON_ERRORS.includes(code));
  if (scope && errors.length - own.length !== COMMON_ERRORS.length) {
    throw new Error(`an operation with the scope ${scope} lacks an error that all of them have`);
  }
  if (own.length === 0) return undefined;
  return `**Errors**: ${own.map(({ status, code }) => `${status} [\`${code}\`](errors.md#${code})`).join(", ")}`;
}

/** The objects of the document as tables, and the forms of its plain values. */
function objects() {
  const schemas = Object.entries(document.components.schemas);
  // Parts of other objects are shown with these.
  const isPart = ([name]) => name.endsWith("Fields");
  const values = schemas.filter(([, schema]) => !isObject(schema) && schema.type === "string");
  const unions = schemas.filter(([, schema]) => schema.oneOf);
  return [
    "## Values",
    table(
      ["value", ""],
      values.map(([name, { description }]) => [`\`${name}\``, description]),
    ),
    "## Objects",
    "A field that is not marked as optional is always there.",
    unions.map(([name, { description, oneOf }]) => [
      `### ${name}`,
      sentence(description),
      `One of ${oneOf.map(form).join(", ")}.`,
    ]),
    schemas
      .filter((entry) => isObject(entry[1]) && !isPart(entry))
      .map(([name, schema]) => [
        `### ${name}`,
        schema.description && sentence(schema.description),
        basisOf(schema) && `All fields of ${linkTo(basisOf(schema))}, and:`,
        fieldsOf(ownPart(schema), name.endsWith("Input")),
      ]),
  ];
}

/** The part of an object that it does not share with another one of the page. */
function ownPart(schema) {
  const { properties, required } = layerOf(schema);
  return basisOf(schema) ? { properties, required } : schema;
}

/** Names the object of the page that has the fields that an object shares with it, if there is one. */
function basisOf(schema) {
  const shared = nameOf(layerOf(schema).allOf?.[0] ?? {});
  if (shared === undefined) return undefined;
  const closed = Object.entries(document.components.schemas).find(
    ([, other]) => !other.properties && nameOf(other.allOf?.[0] ?? {}) === shared,
  );
  return closed?.[0];
}

/** An object that only closes another one has its fields. */
const layerOf = (schema) =>
  schema.properties || !schema.allOf ? schema : resolve(schema.allOf[0]);

/** A table of an object's fields; those of objects inside of it are named with their path. */
function fieldsOf(schema, isInput) {
  return table(["field", "value", ""], rowsOf(schema, "", isInput));
}

function rowsOf(schema, prefix, isInput) {
  const { properties, required } = flat(schema);
  return Object.entries(properties).flatMap(([name, field]) => {
    const isRequired = required.includes(name);
    const note = isInput && isRequired ? " (required)" : isInput || isRequired ? "" : " (optional)";
    const path = `${prefix}${name}`;
    const description = field.description ?? resolve(field).description;
    const inner = innerObject(field);
    return [
      [
        `\`${path}\`${note}`,
        form(field),
        isObjectName(field) ? (field.description ?? "") : (description ?? ""),
      ],
      ...(inner ? rowsOf(inner.schema, `${path}${inner.isList ? "[]" : ""}.`, isInput) : []),
    ];
  });
}

/** The object that stands inside of a field without a name of its own. */
function innerObject(field) {
  const choices = field.oneOf ?? field.anyOf ?? [field];
  const object = choices.find(({ type, properties }) => includes(type, "object") && properties);
  if (object) return { schema: object, isList: false };
  return field.items?.type === "object" ? { schema: field.items, isList: true } : undefined;
}

const linkTo = (name) => `[\`${name}\`](#${anchor(name)})`;
const isObjectName = (field) => nameOf(field) !== undefined && resolve(field).type === "object";

const includes = (type, name) => [type].flat().includes(name);
const sentence = (text) => (text.endsWith(".") ? text : `${text}.`);

/** Fails where two headings have one anchor: links would depend on their order. */
function checkHeadings(text) {
  const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading));
  const twice = anchors.find((one, place) => anchors.indexOf(one) !== place);
  if (twice) throw new Error(`two headings of the page have the anchor ${twice}`);
}
