// In a folder with the configuration of another Worker, no command touches it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { checkIsOfGateway } from "../../edge-worker/npm/lib/folder/config.js";
import { Deployment, SECRETS, VALUE } from "./support/deployment.js";
import { ROOT } from "./support/machine.js";

let deployment;
beforeEach(async () => {
  deployment = await Deployment.start();
});
afterEach(() => deployment.stop());

const OURS = "./node_modules/vtryon-webhooks-gateway/dist/worker/index.js";

/** [what the folder has, the file, its text, what is said of its main] */
const FOREIGN = [
  ["a Worker of the shop", "wrangler.jsonc", { main: "./src/index.ts" }, "./src/index.ts"],
  ["a site without a Worker", "wrangler.json", { assets: { directory: "dist" } }, "missing"],
  ["a Worker in TOML", "wrangler.toml", 'name = "shop"\nmain = "src/index.js"\n', "src/index.js"],
  [
    "a Worker whose file has the gateway's name",
    "wrangler.jsonc",
    { main: "./dist/worker/index.js" },
    "./dist/worker/index.js",
  ],
];
const COMMANDS = [["secrets"], ["deploy"], ["deploy", "--dry-run"], ["dev"], ["doctor"], ["init"]];

for (const [what, file, config, main] of FOREIGN) {
  test(`every command refuses ${what}, and changes nothing`, async () => {
    renameSync(deployment.config, `${deployment.config}.of-gateway`);
    const text = typeof config === "string" ? config : JSON.stringify({ name: "shop", ...config });
    deployment.write(file, text);
    const files = readdirSync(deployment.folder);
    const secrets = Object.fromEntries(SECRETS.map((name) => [name, VALUE]));
    for (const args of COMMANDS) {
      const { code, err } = await deployment.run(args, secrets);
      assert.equal(code, 1, args.join(" "));
      const told =
        args[0] === "init" && file !== "wrangler.jsonc"
          ? `error: ${deployment.folder} has ${file}, and wrangler reads one configuration alone: nothing was written\n`
          : `error: ${path.join(deployment.folder, file)} is of another Worker: its main is ${main}\n`;
      assert.ok(err.startsWith(told), err);
      assert.match(err, /folder of its own: npx vtryon-webhooks-gateway init gateway\n$/);
    }
    assert.deepEqual(readdirSync(deployment.folder), files);
    assert.equal(readFileSync(path.join(deployment.folder, file), "utf8"), text);
    assert.deepEqual(deployment.cloudflare.requests, []);
  });
}

test("a configuration that cannot be read is said to be so in one line", async () => {
  deployment.write("wrangler.jsonc", '{ "main": 1,, }');
  for (const args of [["deploy"], ["dev"], ["init", "--replace"]]) {
    const { code, err } = await deployment.run(args);
    assert.equal(code, 1);
    assert.match(err, /^error: \S*wrangler\.jsonc cannot be read: \w+\n$/);
  }
});

test("an environment may have another Worker than the rest of the configuration", async () => {
  const env = { shop: { main: "./src/index.ts" }, staging: {} };
  deployment.write("wrangler.jsonc", JSON.stringify({ name: "gateway", main: OURS, env }));
  for (const [args, variables] of [
    [["deploy", "--env", "shop"], {}],
    [["secrets"], { CLOUDFLARE_ENV: "shop", VTRYON_WEBHOOK_SECRET: "x" }],
    [["dev"], { CLOUDFLARE_ENV: "shop" }],
  ]) {
    const { code, err } = await deployment.run(args, variables);
    assert.equal(code, 1);
    assert.match(err, /is of another Worker: its main is \.\/src\/index\.ts\n/);
  }
  assert.deepEqual(deployment.cloudflare.requests, []);
  await checkIsOfGateway(deployment.config);
  await checkIsOfGateway(deployment.config, "staging");
});

test("the configurations of the gateway are taken: in a workspace too, and that of the repository", async () => {
  const hoisted = JSON.stringify({ main: `../../${OURS}` });
  for (const config of [
    deployment.config,
    deployment.write("hoisted.jsonc", hoisted),
    path.join(ROOT, "wrangler.toml"),
    path.join(ROOT, "deploy/wrangler.jsonc"),
  ]) {
    await checkIsOfGateway(config);
  }
});
