// Why a delivery is dead or held, as the dashboard says it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sentence } from "../../edge-worker/dashboard/src/format.js";
import { reasonOf } from "../../edge-worker/dashboard/src/parts/deliveries/delivery.js";
import { read } from "../pages.js";

const { schemas } = JSON.parse(read("edge-worker/src/api/openapi.json")).components;

for (const reason of schemas.Delivery.properties.reason.enum) {
  test(`${reason} has words of its own, and none promises a further attempt of what is dead`, () => {
    const told = reasonOf({ reason });
    assert.notEqual(told, sentence(reason));
    assert.doesNotMatch(told, /wait/);
  });
}
