// The gateway's OpenAPI document, and what its schemas allow in words.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { anchor, ROOT } from "./common.mjs";

export const SOURCE = "edge-worker/src/api/openapi.json";

export const document = JSON.parse(readFileSync(join(ROOT, SOURCE), "utf8"));

/** Merges the parts of an object. */
export function flat(schema) {
  const { allOf = [], properties = {}, required = [] } = resolve(schema);
  const parts = allOf.map(flat);
  return {
    properties: Object.assign({}, ...parts.map((part) => part.properties), properties),
    required: [...parts.flatMap((part) => part.required), ...required],
  };
}

/** Says in words what a schema allows. */
export function form(schema) {
  const text = formOf(schema);
  if (schema.default === undefined || schema.default === "") return text;
  return `${text}; default ${code(schema.default)}`;
}

function formOf(schema) {
  const name = nameOf(schema);
  if (name) return linkTo(name);
  if ("const" in schema) return code(schema.const);
  if (schema.enum) return alternatives(schema.enum.map(code));
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return alternatives(choices.map(formOf));
  if (schema.allOf) return formOf(schema.allOf[0]);
  const types = [schema.type].flat();
  return alternatives(types.map((type) => formOfType(type, schema)));
}

function formOfType(type, schema) {
  const { format, minimum, maximum, maxLength, items, maxItems, contentEncoding } = schema;
  if (type === "null") return "null";
  if (type === "array") {
    return `list ${maxItems === undefined ? "" : `(at most ${maxItems}) `}of ${formOf(items)}`;
  }
  if (type === "boolean") return "true or false";
  if (type === "object") return schema.additionalProperties?.type ? "object of lists" : "object";
  if (type === "integer") return maximum === undefined ? "number" : `${minimum} to ${maximum}`;
  if (format === "date-time") return "time";
  if (contentEncoding) return contentEncoding;
  return maxLength ? `text, at most ${maxLength} characters` : "text";
}

export const code = (value) => (value === null ? "null" : `\`${value}\``);

function alternatives(list) {
  const texts = [...new Set(list)];
  return texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`;
}

function linkTo(name) {
  const schema = document.components.schemas[name];
  if (schema.type === "string") return `[${name}](#values)`;
  return hasTable(schema) ? `[\`${name}\`](#${anchor(name)})` : formOf(schema);
}

/** Whether the page has a heading for a schema: an object by its fields, or a choice of objects. */
const hasTable = (schema) => schema.oneOf !== undefined || isObject(schema);

export const isObject = (schema) => Object.keys(flat(schema).properties).length > 0;

export const nameOf = ({ $ref }) => $ref?.split("/").at(-1);

export function resolve(schema) {
  if (schema.$ref === undefined) return schema;
  const path = schema.$ref.split("/").slice(1);
  return path.reduce((part, key) => part[key], document);
}
