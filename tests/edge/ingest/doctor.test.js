// The gateway under the attack that the npm package has for every endpoint.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkEndpoint } from "vtryon-webhooks/testing";
import { Gateway, SECRET } from "../support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

test("the doctor finds nothing", async () => {
  const { results } = await checkEndpoint(`${gateway.url}/webhooks/vtryon`, { secret: SECRET });
  assert.notEqual(results.length, 0);
  assert.deepEqual(
    results.filter((row) => !row.ok),
    [],
  );
});
