// The doctor's whole suite at every adapter, used as it should be and used wrongly.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "vtryon-webhooks/stores";
import { checkEndpoint } from "vtryon-webhooks/testing";
import { ADAPTERS, EATEN } from "../support/adapters.js";

const secret = "whsec_test";
const failed = ({ results }) => results.filter(({ ok }) => !ok);

for (const [adapter, start] of Object.entries(ADAPTERS)) {
  test(`${adapter} passes all cases`, async (t) => {
    const options = { secrets: secret, store: new MemoryStore(), onEvent() {}, onError() {} };
    const server = await start(options);
    t.after(server.stop);
    const rows = failed(await checkEndpoint(server.url, { secret })).filter(
      // express.json decodes what it parses, and so refuses a charset that is a lie.
      ({ name }) => !(name === "type-charset" && adapter.includes("after json")),
    );
    assert.deepEqual(rows, []);
  });
}

for (const [adapter, start] of Object.entries(EATEN)) {
  test(`${adapter}, after something has read the body, answers body_already_parsed`, async (t) => {
    const server = await start({ secrets: secret, onEvent() {}, onError() {} });
    t.after(server.stop);
    const report = await checkEndpoint(server.url, { secret });
    const named = failed(report).filter(({ got }) => got.includes("500 body_already_parsed: "));
    assert.ok(named.some(({ name }) => name === "good"));
    const others = failed(report).filter((row) => !named.includes(row));
    // What the parser before the adapter refuses is that parser's answer.
    for (const { name, got } of others) assert.match(got, /^4\d\d$/, name);
  });
}
