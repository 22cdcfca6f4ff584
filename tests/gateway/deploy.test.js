// `secrets` and `deploy`, against the part of Cloudflare's API that wrangler calls.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Deployment, SECRETS, VALUE } from "./support/deployment.js";

let deployment;
beforeEach(async () => {
  deployment = await Deployment.start();
});
afterEach(() => deployment.stop());

/** Every request that would change something on Cloudflare. */
const changes = () => deployment.cloudflare.requests.filter((line) => !line.startsWith("GET"));

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
const addStaging = () =>
  deployment.replace('"vars": {', `"env": { "staging": ${STAGING} },\n"vars": {`);

/** [how the Worker is chosen, the environment that it is of, what `deploy` finds missing] */
const NEVER_DEPLOYED = [
  [[], {}, undefined, SECRETS],
  // The variables of the environment let Access stand in for the token.
  [["--env", "staging"], {}, "staging", ["VTRYON_WEBHOOK_SECRET", "GATEWAY_MASTER_KEY"]],
  [[], { CLOUDFLARE_ENV: "staging" }, "staging", ["VTRYON_WEBHOOK_SECRET", "GATEWAY_MASTER_KEY"]],
  // None: the name on the command line counts, and an empty one is that of the whole.
  [["--env", ""], { CLOUDFLARE_ENV: "staging" }, "", SECRETS],
];
for (const [args, env, environment, missing] of NEVER_DEPLOYED) {
  const title = `${args.join(" ")}${JSON.stringify(env)}`;
  test(`of a Worker that was never deployed, every secret is missing: ${title}`, async () => {
    addStaging();
    const { code, err } = await deployment.run(["deploy", ...args], env);
    assert.equal(code, 1);
    const told = `error: secrets are missing on Cloudflare: ${missing.join(", ")}\n`;
    assert.ok(err.startsWith(told), err);
    const hint = environment === undefined ? "" : ` -- --env ${environment || '""'}`;
    assert.ok(err.includes(`Set them with: npm run secrets${hint} (`), err);
    assert.deepEqual(changes(), []);
  });

  test(`secrets makes a Worker that was never deployed: ${title}`, async () => {
    addStaging();
    const set = await deployment.run(["secrets", ...args], { ...env, VTRYON_WEBHOOK_SECRET: "v" });
    assert.equal(set.code, 0, set.err);
    assert.deepEqual(Object.keys(deployment.cloudflare.workers).length, 1);
    assert.deepEqual([...deployment.worker(environment).secrets.keys()].sort(), SECRETS.toSorted());
    const { code, out, err } = await deployment.run(["deploy", ...args], env);
    assert.equal(code, 0, `${out}${err}`);
  });
}

test("deploy takes the secrets of a file as set, and names those that it lacks", async () => {
  const file = deployment.write("secrets", `${SECRETS[0]}=x\n${SECRETS[2]}=${VALUE}\n`);
  const { code, err } = await deployment.run(["deploy", "--secrets-file", file]);
  assert.equal(code, 1);
  assert.match(err, /missing on Cloudflare: GATEWAY_ADMIN_TOKEN\n/);
  assert.deepEqual(changes(), []);
});

test("deploy refuses a file with what the gateway would answer 503 with, and starts nothing", async () => {
  const before = deployment.cloudflare.requests.length;
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
    const file = deployment.write("secrets.txt", text);
    for (const more of [[], ["--dry-run"]]) {
      const { code, err } = await deployment.run(["deploy", "--secrets-file", file, ...more]);
      assert.equal(code, 1);
      assert.match(err, told);
      assert.doesNotMatch(err, /short|mykey/);
    }
  }
  assert.equal(deployment.cloudflare.requests.length, before);
});

test("secrets refuses what the gateway would answer 503 with, and sets nothing", async () => {
  const vtryon = { VTRYON_WEBHOOK_SECRET: "of Vtryon" };
  for (const [name, value, told] of [
    ["GATEWAY_ADMIN_TOKEN", "short", "has fewer than 32 characters"],
    ["GATEWAY_MASTER_KEY", "mykey", "is not 32 bytes in hex or base64"],
  ]) {
    const { code, err, out } = await deployment.run(["secrets"], { ...vtryon, [name]: value });
    assert.equal(code, 1);
    assert.ok(err.startsWith(`error: ${name} in the environment ${told}`), err);
    assert.ok(!`${out}${err}`.includes(value));
  }
  assert.deepEqual(changes(), []);
});

test("secrets asks for Vtryon's, generates the others, and leaves those that are set", async () => {
  const vtryon = "secret of Vtryon with ' \" $ and é";
  const first = await deployment.run(["secrets"], { VTRYON_WEBHOOK_SECRET: vtryon });
  assert.equal(first.code, 0, first.err);
  const { secrets } = deployment.worker();
  assert.deepEqual([...secrets.keys()].sort(), SECRETS.toSorted());
  assert.equal(secrets.get("VTRYON_WEBHOOK_SECRET"), vtryon);
  const generated = SECRETS.slice(1).map((name) => secrets.get(name));
  for (const [place, value] of generated.entries()) {
    assert.match(value, /^[0-9a-f]{64}$/);
    assert.ok(first.out.includes(`${SECRETS[place + 1]}=${value}\n`), "shown once");
  }
  assert.ok(!`${first.out}${first.err}`.includes(vtryon));

  const second = await deployment.run(["secrets"], { VTRYON_WEBHOOK_SECRET: "another" });
  assert.equal(second.code, 0, second.err);
  assert.equal(secrets.get("VTRYON_WEBHOOK_SECRET"), "another");
  assert.deepEqual(
    SECRETS.slice(1).map((name) => secrets.get(name)),
    generated,
  );
});

test("secrets takes what the environment has, and shows only what it has generated", async () => {
  const given = { VTRYON_WEBHOOK_SECRET: "of Vtryon", GATEWAY_ADMIN_TOKEN: VALUE };
  const { code, out, err } = await deployment.run(["secrets"], given);
  assert.equal(code, 0, err);
  const { secrets } = deployment.worker();
  assert.equal(secrets.get("GATEWAY_ADMIN_TOKEN"), VALUE);
  assert.ok(out.includes(`GATEWAY_MASTER_KEY=${secrets.get("GATEWAY_MASTER_KEY")}\n`), out);
  assert.ok(!`${out}${err}`.includes(VALUE), out);
});

test("secrets that were set in part are known", async () => {
  const { secrets } = deployment.cloudflare.addWorker("vtryon-webhooks");
  const set = secrets.set.bind(secrets);
  secrets.set = (name, value) => {
    if (name === "GATEWAY_MASTER_KEY") throw { code: 10013, message: "An unknown error" };
    set(name, value);
  };
  const { code, out, err } = await deployment.run(["secrets"], { VTRYON_WEBHOOK_SECRET: "v" });
  assert.equal(code, 1);
  assert.ok(secrets.has("GATEWAY_ADMIN_TOKEN"), err);
  assert.ok(out.includes(`GATEWAY_ADMIN_TOKEN=${secrets.get("GATEWAY_ADMIN_TOKEN")}\n`), out);
  assert.match(out, /^GATEWAY_MASTER_KEY=[0-9a-f]{64}$/m);
  assert.match(err, /^error: the secrets could not be set.*\n.*Keep the secrets above/m);
});

/** Has the command write before its question whether the terminal still shows what is typed. */
const NOTE_ECHO = `
const write = process.stderr.write.bind(process.stderr);
process.stderr.write = (text) => {
  if (!String(text).includes("(not echoed)")) return write(text);
  return write("[the echo is " + (process.stdin.isRaw ? "off" : "on") + "] " + text);
};`;

test("in a terminal, secrets asks for Vtryon's, and shows it to nobody who looks on", async () => {
  const question = /The secret that Vtryon shows .* \(not echoed\): /;
  const answers = [[question, "of Vtryon"]];
  const { out, code } = await deployment.runInTerminal(["secrets"], answers, {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(NOTE_ECHO)}`,
  });
  assert.equal(code, 0, out);
  assert.match(out, /\[the echo is off\] The secret/, "whoever pastes at once is not shown either");
  assert.equal(deployment.worker().secrets.get("VTRYON_WEBHOOK_SECRET"), "of Vtryon");
  assert.ok(!out.includes("of Vtryon"), out);
});

for (const [secret, told] of [
  [undefined, /^error: VTRYON_WEBHOOK_SECRET is not in the environment, and there is no terminal/],
  [" x", /^error: VTRYON_WEBHOOK_SECRET begins or ends with whitespace/],
]) {
  test(`secrets refuses ${secret === undefined ? "to guess" : "blanks around a secret"}`, async () => {
    const { code, err } = await deployment.run(
      ["secrets"],
      secret && { VTRYON_WEBHOOK_SECRET: secret },
    );
    assert.equal(code, 1);
    assert.match(err, told);
  });
}

test("Access stands in for the admin token", async () => {
  const { secrets } = deployment.cloudflare.addWorker("vtryon-webhooks");
  for (const name of SECRETS) secrets.set(name, VALUE);
  secrets.delete("GATEWAY_ADMIN_TOKEN");
  const { err } = await deployment.run(["deploy"]);
  assert.match(err, /missing on Cloudflare: GATEWAY_ADMIN_TOKEN\n/);
  deployment.replace('"vars": {', '"vars": { "ACCESS_TEAM": "acme", "ACCESS_AUD": "0",');
  const { code, ...told } = await deployment.run(["deploy"]);
  assert.equal(code, 0, `${told.out}${told.err}`);
});

test("no other Worker is deployed than the one that is checked", async () => {
  const before = deployment.cloudflare.requests.length;
  for (const other of [
    ["--env", "staging"],
    ["--env=staging"],
    ["-e", "staging"],
    ["--name", "other"],
    ["--config=x"],
    ["-c", "x"],
    ["-c./x.jsonc"],
    ["-hestaging"],
    ["--dispatch-namespace", "other"],
    ["--dispatchNamespace=other"],
    ["--profile", "other"],
    ["--env-file=other"],
    ["--envFile", "other"],
    ["--cwd", "other"],
  ]) {
    const { code, err } = await deployment.run(["deploy", "--", ...other]);
    assert.equal(code, 1);
    assert.ok(err.startsWith(`error: ${other[0]} cannot be handed on to wrangler`), err);
  }
  assert.equal(deployment.cloudflare.requests.length, before);
});
