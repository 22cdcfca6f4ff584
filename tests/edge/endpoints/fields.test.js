// The Worker, its description and the dashboard's forms name the same fields of an endpoint, and of an alert destination.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import {
  destinationOf,
  fieldsOfDestination,
} from "../../../edge-worker/dashboard/src/parts/endpoints/destination-fields.js";
import { fieldsOf, inputOf } from "../../../edge-worker/dashboard/src/parts/endpoints/fields.js";
import { Gateway } from "../support/gateway.js";

const read = (name) => readFileSync(path.resolve(import.meta.dirname, "../../..", name), "utf8");
const { schemas } = JSON.parse(read("edge-worker/src/api/openapi.json")).components;

/** The fields that have a button of their own. */
const BUTTONS = ["enabled", "paused"];

let gateway;
let accepted;
let acceptedOfDestinations;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
  const fieldsAt = async (path) => {
    const refused = await gateway.api(path, { method: "POST", json: { nothing: 1 } });
    return /none of (.*)$/.exec(refused.body.message)[1].split(", ").sort();
  };
  accepted = await fieldsAt("/api/endpoints");
  acceptedOfDestinations = await fieldsAt("/api/alerts");
});
after(() => gateway.stop());

test("OpenAPI describes the fields that are accepted", () => {
  assert.deepEqual(Object.keys(schemas.EndpointInput.properties).sort(), accepted);
});

test("every field that is accepted is shown, always", () => {
  const fieldsOf = ({ properties, required }) => {
    assert.deepEqual(Object.keys(properties).sort(), [...required].sort());
    return Object.keys(properties);
  };
  const { RegisteredFields, EndpointFields, AlertDestinationFields } = schemas;
  const shared = fieldsOf(RegisteredFields);
  for (const [names, schema] of [
    [accepted, EndpointFields],
    [acceptedOfDestinations, AlertDestinationFields],
  ]) {
    const shown = [...shared, ...fieldsOf(schema)];
    assert.deepEqual(
      names.filter((name) => !shown.includes(name)),
      [],
    );
  }
});

test("the form sends the fields that are accepted", () => {
  assert.deepEqual([...Object.keys(inputOf(fieldsOf())), ...BUTTONS].sort(), accepted);
});

test("so for alert destinations", () => {
  assert.deepEqual(
    Object.keys(schemas.AlertDestinationInput.properties).sort(),
    acceptedOfDestinations,
  );
  const sent = Object.keys(destinationOf(fieldsOfDestination()));
  assert.deepEqual([...sent, "enabled"].sort(), acceptedOfDestinations);
});
