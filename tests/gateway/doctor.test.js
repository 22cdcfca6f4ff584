// `doctor`: what this folder's configuration lacks, and what a deployed gateway runs.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { afterEach, beforeEach, test } from "node:test";
import { block, read } from "../pages.js";
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
  assert.match(err, /^error: the configuration differs in migrations\nChange it by hand\./);
  assert.match(err, /init would replace the whole file: your vars .* would be lost\.\n$/);
  assert.match(out, /"Directory"/);
});

/** What the built Worker is, as `make gateway-files` has asked it. */
const BUILT = JSON.parse(read("edge-worker/npm/dist/version.json"));
const { shard, directory } = BUILT.schema;
const row = (...cells) => new RegExp(`^${cells.join(" +")}$`, "m");

/** [what it is of, what /healthz answers, status, what is said] */
const HEALTH = [
  [
    "the package's version",
    { status: "ok", ...BUILT },
    200,
    [
      // As the page shows it.
      new RegExp(`^${RegExp.escape(block("upgrade-doctor"))}$`),
    ],
  ],
  [
    "another version with the same schemas",
    { ...BUILT, version: "9.9.9" },
    200,
    [row("gateway", "9.9.9", shard, directory), /error: the versions differ\n.*@9\.9\.9/],
  ],
  [
    "an older version, whose shards are migrated",
    { version: "0.0.9", schema: { shard: shard - 1, directory } },
    200,
    [
      row("gateway", "0.0.9", shard - 1, directory),
      row("package", VERSION, shard, directory),
      new RegExp(`migrates each shard, when it wakes, from schema ${shard - 1} to ${shard}\\.`),
      /error: the versions differ/,
    ],
  ],
  [
    "a build of the same version, whose directory is migrated",
    { version: VERSION, schema: { shard, directory: directory - 1 } },
    200,
    [
      new RegExp(`migrates the directory from schema ${directory - 1} to ${directory}\\.`),
      /error: the schemas differ/,
    ],
  ],
  [
    "a newer version, which cannot be gone back from",
    { version: "9.9.9", schema: { shard: shard + 1, directory } },
    200,
    [/error: the gateway stores by a newer schema.*\nDo not deploy this package.*@9\.9\.9/],
  ],
  [
    "a faulty configuration",
    { error: "unavailable" },
    503,
    [/answers 503\n.* run npx wrangler tail, then ask again/i],
  ],
  ["something else", { hello: "world" }, 200, [/answers 200 and tells no version/]],
];
for (const [what, answer, status, told] of HEALTH) {
  test(`doctor of ${what}`, async (t) => {
    const server = createServer((_request, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer));
    }).listen(0, "127.0.0.1");
    await emitted(server, "listening");
    t.after(() => server.close());
    const url = `http://127.0.0.1:${server.address().port}`;
    const { out, err, code } = await deployment.run(["doctor", url]);
    for (const line of told) assert.match(`${out}${err}`, line);
    assert.equal(code, what === HEALTH[0][0] ? 0 : 1);
  });
}
