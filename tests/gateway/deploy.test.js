// `secrets`, `deploy` and `doctor`, against the part of Cloudflare's API that they ask first.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { read } from "../pages.js";
import { emitted } from "../support/wait.js";
import { FakeCloudflare } from "./support/fake-cloudflare.js";
import { ROOT } from "./support/machine.js";

const COMMAND = path.join(ROOT, "edge-worker/npm/bin/vtryon-webhooks-gateway.js");
const VERSION = JSON.parse(read("edge-worker/npm/package.json")).version;
const CONFIG = path.join(ROOT, "deploy/wrangler.jsonc");
const NAME = "vtryon-webhooks-gateway";
const NAMES = ["VTRYON_WEBHOOK_SECRET", "GATEWAY_ADMIN_TOKEN", "GATEWAY_MASTER_KEY"];
/** What the gateway takes for each of them. */
const VALUE = "0f".repeat(32);

let folder;
let cloudflare;
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "vtryon-deploy-"));
  cpSync(CONFIG, path.join(folder, "wrangler.jsonc"));
  // As it is installed there.
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(path.dirname(path.dirname(COMMAND)), path.join(folder, "node_modules", NAME));
  cloudflare = await FakeCloudflare.start();
});
after(() => {
  cloudflare.stop();
  rmSync(folder, { recursive: true });
});

/** Runs the command in the folder. */
async function run(args, env = {}) {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    env: { PATH, HOME: folder, ...cloudflare.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { out, err, code };
}

const uploads = () => cloudflare.requests.filter((line) => line.startsWith("PUT"));

test("deploy without secrets names them, and uploads nothing", async () => {
  const { code, err } = await run(["deploy"]);
  assert.equal(code, 1);
  assert.match(
    err,
    /^error: secrets are missing on Cloudflare: (.+)\nSet them with: npm run secrets/,
  );
  for (const name of NAMES) assert.ok(err.includes(name), name);
  assert.deepEqual(uploads(), []);
});

test("deploy takes the secrets of a file as set", async () => {
  const file = path.join(folder, "secrets.json");
  writeFileSync(file, JSON.stringify(Object.fromEntries(NAMES.map((name) => [name, VALUE]))));
  const before = cloudflare.requests.length;
  const { err } = await run(["deploy", "--secrets-file", file]);
  assert.doesNotMatch(err, /secrets are missing/);
  // The API of the tests takes no deployment.
  assert.ok(cloudflare.requests.length > before + 1, "wrangler was started");
  assert.match(err, /error: wrangler could not deploy: see above\n/);
  writeFileSync(file, `${NAMES[0]}=x\n${NAMES[2]}=${VALUE}\n`);
  const lacking = await run(["deploy", "--secrets-file", file]);
  assert.match(lacking.err, /missing on Cloudflare: GATEWAY_ADMIN_TOKEN\n/);
});

test("deploy refuses a file with what the gateway would answer 503 with, and starts nothing", async () => {
  const file = path.join(folder, "secrets.txt");
  const before = cloudflare.requests.length;
  for (const [text, told] of [
    [
      "GATEWAY_ADMIN_TOKEN=short\n",
      /^error: GATEWAY_ADMIN_TOKEN in .*secrets\.txt has fewer than 32/,
    ],
    [
      '{"GATEWAY_MASTER_KEY":"mykey"}',
      /^error: GATEWAY_MASTER_KEY in .*secrets\.txt is not 32 bytes/,
    ],
    ['{"GATEWAY_MASTER_KEY":mykey}', /^error: .*secrets\.txt is not valid JSON/],
  ]) {
    writeFileSync(file, text);
    for (const more of [[], ["--dry-run"]]) {
      const { code, err } = await run(["deploy", "--secrets-file", file, ...more]);
      assert.equal(code, 1);
      assert.match(err, told);
      assert.doesNotMatch(err, /short|mykey/);
    }
  }
  assert.equal(cloudflare.requests.length, before);
});

test("secrets refuses what the gateway would answer 503 with, and sets nothing", async () => {
  const vtryon = { VTRYON_WEBHOOK_SECRET: "of Vtryon" };
  for (const [name, value, told] of [
    ["GATEWAY_ADMIN_TOKEN", "short", "has fewer than 32 characters"],
    ["GATEWAY_MASTER_KEY", "mykey", "is not 32 bytes in hex or base64"],
  ]) {
    const { code, err, out } = await run(["secrets"], { ...vtryon, [name]: value });
    assert.equal(code, 1);
    assert.ok(err.startsWith(`error: ${name} in the environment ${told}`), err);
    assert.ok(!`${out}${err}`.includes(value));
  }
  assert.deepEqual([...cloudflare.secrets], []);
});

test("secrets asks for Vtryon's, generates the others, and leaves those that are set", async () => {
  const vtryon = "secret of Vtryon with ' \" $ and é";
  const first = await run(["secrets"], { VTRYON_WEBHOOK_SECRET: vtryon });
  assert.equal(first.code, 0, first.err);
  assert.deepEqual([...cloudflare.secrets.keys()].sort(), NAMES.toSorted());
  assert.equal(cloudflare.secrets.get("VTRYON_WEBHOOK_SECRET"), vtryon);
  const generated = NAMES.slice(1).map((name) => cloudflare.secrets.get(name));
  for (const [place, value] of generated.entries()) {
    assert.match(value, /^[0-9a-f]{64}$/);
    assert.ok(first.out.includes(`${NAMES[place + 1]}=${value}\n`), "shown once");
  }
  assert.ok(!`${first.out}${first.err}`.includes(vtryon));

  const second = await run(["secrets"], { VTRYON_WEBHOOK_SECRET: "another" });
  assert.equal(second.code, 0, second.err);
  assert.equal(cloudflare.secrets.get("VTRYON_WEBHOOK_SECRET"), "another");
  assert.deepEqual(
    NAMES.slice(1).map((name) => cloudflare.secrets.get(name)),
    generated,
  );
  assert.doesNotMatch((await run(["deploy"])).err, /secrets are missing/);
});

for (const [secret, told] of [
  [undefined, /^error: VTRYON_WEBHOOK_SECRET is not in the environment, and there is no terminal/],
  [" x", /^error: VTRYON_WEBHOOK_SECRET begins or ends with a blank/],
]) {
  test(`secrets refuses ${secret === undefined ? "to guess" : "blanks around a secret"}`, async () => {
    const { code, err } = await run(["secrets"], secret && { VTRYON_WEBHOOK_SECRET: secret });
    assert.equal(code, 1);
    assert.match(err, told);
  });
}

test("Access stands in for the admin token", async () => {
  const file = path.join(folder, "wrangler.jsonc");
  const before = readFileSync(file, "utf8");
  cloudflare.secrets.delete("GATEWAY_ADMIN_TOKEN");
  assert.match((await run(["deploy"])).err, /missing on Cloudflare: GATEWAY_ADMIN_TOKEN\n/);
  const access = '"vars": { "ACCESS_TEAM": "acme", "ACCESS_AUD": "0",';
  writeFileSync(file, before.replace('"vars": {', access));
  assert.doesNotMatch((await run(["deploy"])).err, /secrets are missing/);
  writeFileSync(file, before);
});

/** An environment as wrangler has it: it inherits the name, with its own behind, and neither variables nor bindings. */
const STAGING = JSON.stringify({
  vars: { ACCESS_TEAM: "acme", ACCESS_AUD: "0" },
  durable_objects: {
    bindings: [
      { name: "TASK_SHARD", class_name: "TaskShard" },
      { name: "DIRECTORY", class_name: "Directory" },
    ],
  },
});

test("an environment has secrets of its own, which are set and checked by its name", async () => {
  const file = path.join(folder, "wrangler.jsonc");
  const before = readFileSync(file, "utf8");
  writeFileSync(file, before.replace('"vars": {', `"env": { "staging": ${STAGING} },\n"vars": {`));
  const vtryon = { VTRYON_WEBHOOK_SECRET: "of Vtryon" };
  const staging = cloudflare.workers["vtryon-webhooks-staging"];
  const production = new Map(cloudflare.secrets);
  for (const [args, env] of [
    [["--env", "staging"], {}],
    [[], { CLOUDFLARE_ENV: "staging" }],
  ]) {
    staging.clear();
    const { code, err } = await run(["deploy", ...args], env);
    assert.equal(code, 1);
    // Its variables let Access stand in for the token.
    assert.match(err, /missing on Cloudflare: VTRYON_WEBHOOK_SECRET, GATEWAY_MASTER_KEY\n/);
    assert.match(err, /npm run secrets -- --env staging/);
    const set = await run(["secrets", ...args], { ...vtryon, ...env });
    assert.equal(set.code, 0, set.err);
    assert.deepEqual([...staging.keys()].sort(), NAMES.toSorted());
    assert.doesNotMatch((await run(["deploy", ...args], env)).err, /secrets are missing/);
  }
  assert.deepEqual(cloudflare.secrets, production);
  writeFileSync(file, before);
});

test("no other Worker is deployed than the one that is checked", async () => {
  const before = cloudflare.requests.length;
  for (const other of [
    ["--env", "staging"],
    ["--env=staging"],
    ["-e", "staging"],
    ["--name", "other"],
    ["--config=x"],
    ["-c", "x"],
  ]) {
    const { code, err } = await run(["deploy", "--", ...other]);
    assert.equal(code, 1);
    assert.ok(err.startsWith(`error: ${other[0]} cannot be handed on to wrangler`), err);
  }
  assert.equal(cloudflare.requests.length, before);
});

test("doctor names the settings that this version needs and the folder has not", async () => {
  assert.match(
    (await run(["doctor"])).out,
    new RegExp(`is that of vtryon-webhooks-gateway ${VERSION}`),
  );
  const file = path.join(folder, "wrangler.jsonc");
  const before = readFileSync(file, "utf8");
  writeFileSync(file, before.replace(/,\n.*"new_sqlite_classes": \["Directory"\] \}/, ""));
  const { code, out, err } = await run(["doctor"]);
  assert.equal(code, 1);
  assert.match(err, /^error: the configuration differs in migrations\n/);
  assert.match(out, /"Directory"/);
  writeFileSync(file, before);
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
    const { out, err } = await run(["doctor", `http://127.0.0.1:${server.address().port}`]);
    assert.match(`${out}${err}`, told);
  });
}
