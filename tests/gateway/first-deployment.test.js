// A deployment that succeeds, as docs/start/deploy.md says: what is on Cloudflare then, and in the folder.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";
import { readConfig } from "../../edge-worker/npm/lib/folder/config.js";
import { Deployment, SECRETS, SECRETS_FILE, VALUE } from "./support/deployment.js";

const URL_OF_GATEWAY = "https://vtryon-webhooks.shop.workers.dev";

let deployment;
let deploy;
beforeEach(async () => {
  deployment = await Deployment.start();
  deploy = ["deploy", "--secrets-file", deployment.write("secrets", SECRETS_FILE)];
});
afterEach(() => deployment.stop());

const namespaces = async () => (await readConfig(deployment.config)).kv_namespaces;

test("the first deployment makes the namespace, writes its id into the folder, and prints the URL", async () => {
  const { out, code } = await deployment.runInTerminal(deploy);
  assert.equal(code, 0, out);
  assert.ok(out.includes(`${URL_OF_GATEWAY}\n`), out);
  const [{ id, title }] = deployment.cloudflare.namespaces;
  assert.equal(title, "vtryon-webhooks-results");
  assert.deepEqual(await namespaces(), [{ binding: "RESULTS", id }]);
  assert.ok(readFileSync(deployment.config, "utf8").includes("// How many objects share"));

  const { secrets, metadata, crons, subdomain } = deployment.worker();
  assert.deepEqual(Object.fromEntries(secrets), Object.fromEntries(SECRETS.map((n) => [n, VALUE])));
  const { triggers, migrations, vars } = await readConfig(deployment.config);
  assert.deepEqual(crons, triggers.crons);
  assert.equal(metadata.migrations.new_tag, migrations.at(-1).tag);
  assert.ok(subdomain.enabled);
  const bindings = metadata.bindings.map(({ name }) => name);
  const bound = ["TASK_SHARD", "DIRECTORY", "RESULTS", ...SECRETS, ...Object.keys(vars)];
  assert.deepEqual(bindings.sort(), bound.sort());
  const pages = [...deployment.cloudflare.assets.values()];
  assert.ok(pages.some((page) => page.includes("<title>")));

  const again = await deployment.runInTerminal(deploy);
  assert.equal(again.code, 0, again.out);
  assert.deepEqual(await namespaces(), [{ binding: "RESULTS", id }]);
  assert.equal(deployment.cloudflare.namespaces.length, 1);
  assert.equal(deployment.worker().metadata.migrations, undefined, "they are made once");
});

test("without a terminal, as in CI, the folder stays as it is, and later deployments find the namespace", async () => {
  for (const time of ["first", "second"]) {
    const { out, err, code } = await deployment.run(deploy);
    assert.equal(code, 0, `${time}: ${out}${err}`);
    assert.ok(out.includes(`${URL_OF_GATEWAY}\n`), out);
    assert.deepEqual(await namespaces(), [{ binding: "RESULTS" }]);
    assert.equal(deployment.cloudflare.namespaces.length, 1, time);
    const results = deployment.worker().metadata.bindings.find(({ name }) => name === "RESULTS");
    assert.ok(results, time);
  }
});

test("the Free plan refuses limits, and the command says what to do", async () => {
  deployment.replace('// "limits"', '"limits"');
  const { out, err, code } = await deployment.run(deploy);
  assert.equal(code, 1, out);
  assert.match(err, /\[code: 100328\][\s\S]*^error: wrangler could not deploy.*\n.*"limits"/m);
});
