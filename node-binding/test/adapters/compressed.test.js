// Compressed bodies: the receiver verifies the bytes that came. A body parser in front of it inflates them before.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import express from "express";
import express4 from "express4";
import { captureRawBody, vtryonWebhooks } from "vtryon-webhooks/express";
import { emitted } from "../../../tests/support/wait.js";
import { BODY, SECRET, sign } from "../support/completed-event.js";

const COMPRESSED = gzipSync(BODY);

/** What a parser is, and the answers where the compressed bytes are signed, and where the inflated ones are. */
const PARSERS = {
  "no parser": [() => [], { compressed: 400, inflated: 401 }],
  "raw with inflate: false": [
    ({ raw }) => [raw({ type: () => true, inflate: false })],
    { compressed: 415, inflated: 415 },
  ],
  "json with inflate: false": [
    ({ json }) => [json({ inflate: false, verify: captureRawBody })],
    { compressed: 415, inflated: 415 },
  ],
  "raw by default": [({ raw }) => [raw({ type: () => true })], { compressed: 401, inflated: 200 }],
  "json by default": [
    ({ json }) => [json({ verify: captureRawBody })],
    { compressed: 401, inflated: 200 },
  ],
};

for (const [version, framework] of Object.entries({ 5: express, 4: express4 })) {
  for (const [name, [parsers, expect]] of Object.entries(PARSERS)) {
    test(`Express ${version} with ${name}: a compressed body`, async (t) => {
      const app = framework().set("env", "test");
      for (const parser of parsers(framework)) app.use(parser);
      app.post("/", vtryonWebhooks({ secrets: SECRET, onEvent: () => {}, onError: () => {} }));
      const server = app.listen(0, "127.0.0.1");
      await emitted(server, "listening");
      t.after(() => server.close());
      const url = `http://127.0.0.1:${server.address().port}/`;
      const headers = { "content-type": "application/json", "content-encoding": "gzip" };
      for (const [signed, status] of Object.entries(expect)) {
        const signature = sign(signed === "compressed" ? COMPRESSED : BODY);
        const answer = await fetch(url, {
          method: "POST",
          body: COMPRESSED,
          headers: { ...headers, "x-vtryon-signature": signature },
        });
        await answer.arrayBuffer();
        assert.equal(answer.status, status, signed);
      }
    });
  }
}
