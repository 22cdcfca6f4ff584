// `doctor`: what this folder's configuration lacks, and what a deployed gateway runs.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { afterEach, beforeEach, test } from "node:test";
import { read } from "../pages.js";
import { emitted } from "../support/wait.js";
import { Deployment } from "./support/deployment.js";

const VERSION = JSON.parse(read("edge-worker/npm/package.json")).version;

let deployment;
beforeEach(async () => {
  deployment = await Deployment.start();
});
afterEach(() => deployment.stop());

test("doctor names the settings that this version needs and the folder has not", async () => {
  const { out: same } = await deployment.run(["doctor"]);
  assert.match(same, new RegExp(`is that of vtryon-webhooks-gateway ${VERSION}`));
  deployment.replace(/,\n.*"new_sqlite_classes": \["Directory"\] \}/, "");
  const { code, out, err } = await deployment.run(["doctor"]);
  assert.equal(code, 1);
  assert.match(err, /^error: the configuration differs in migrations\n/);
  assert.match(out, /"Directory"/);
});

const SCHEMA = { shard: 3, directory: 2 };

/** [what /healthz answers, status, what is said] */
const HEALTH = [
  [
    { version: VERSION, schema: SCHEMA },
    200,
    /^gateway {4}0\.1\.0 \(schema of shards 3, of the directory 2\)\npackage {4}0\.1\.0\n$/,
  ],
  [{ version: "9.9.9", schema: SCHEMA }, 200, /error: the versions differ\n.*@9\.9\.9/],
  [{ error: "unavailable" }, 503, /answers 503\nIts configuration is faulty/],
  [{ hello: "world" }, 200, /answers 200 and tells no version/],
];
for (const [answer, status, told] of HEALTH) {
  test(`doctor of a gateway that answers ${JSON.stringify(answer)}`, async (t) => {
    const server = createServer((_request, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer));
    }).listen(0, "127.0.0.1");
    await emitted(server, "listening");
    t.after(() => server.close());
    const { out, err } = await deployment.run([
      "doctor",
      `http://127.0.0.1:${server.address().port}`,
    ]);
    assert.match(`${out}${err}`, told);
  });
}
