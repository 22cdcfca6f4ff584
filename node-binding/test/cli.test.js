// The command: what it prints, how it ends, and that it tells no secret.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bodyOf, deadUrl, run, SECRET, serve } from "./cli.js";

const folder = mkdtempSync(join(tmpdir(), "vtryon-webhooks-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name, content) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const BODY = '{"event":"generation.status_changed","task_id":"task_1","status":"queued"}';
const BYTES = Buffer.from([0xff, 0x0a, 0x00]);
const event = file("event.json", BODY);
const sign = (body, secret = SECRET) => createHmac("sha256", secret).update(body).digest("hex");

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url)));
const NOWHERE = "http://127.0.0.1:9/";
const NO_SECRET = { env: {} };
const PREVIOUS = { VTRYON_WEBHOOK_SECRET: "whsec_new", VTRYON_WEBHOOK_SECRET_PREVIOUS: SECRET };

for (const [name, args, options, lines] of [
  ["version", ["--version"], NO_SECRET, [version]],
  [
    "help",
    ["--help"],
    NO_SECRET,
    [
      "Usage: vtryon-webhooks [options] [command]",
      "  sign [options] [file]          print the signature of a body",
      "  trigger [options] <lifecycle>  post all events of a task, with faults, and",
      "The secret is read from VTRYON_WEBHOOK_SECRET, or told by --secret-file or --secret.",
      "Examples:",
      "  $ vtryon-webhooks doctor http://localhost:3000/webhooks/vtryon",
    ],
  ],
  ["help of sign", ["sign", "--help"], NO_SECRET, ["  $ vtryon-webhooks sign event.json"]],
  ["help of verify", ["help", "verify"], NO_SECRET, ["Examples:"]],
  ["help of send", ["send", "-h"], NO_SECRET, ["Examples:"]],
  ["help of trigger", ["trigger", "--help"], NO_SECRET, ["Faults:", "Examples:"]],
  ["help of doctor", ["doctor", "--help"], NO_SECRET, ["Examples:"]],
  ["sign a file", ["sign", event], {}, [sign(BODY)]],
  ["sign standard input", ["sign"], { input: BYTES }, [sign(BYTES)]],
  ["sign -", ["sign", "-"], { input: BODY }, [sign(BODY)]],
  ["sign nothing", ["sign"], {}, [sign("")]],
  ["a secret by argument", ["sign", event, "--secret", "whsec_b"], {}, [sign(BODY, "whsec_b")]],
  [
    "a secret by file",
    ["sign", event, "--secret-file", file("secret", `${SECRET}\n`)],
    NO_SECRET,
    [sign(BODY)],
  ],
  [
    "verify",
    ["verify", event, "--signature", sign(BODY).toUpperCase()],
    {},
    [/^ok {2}signed with the secret [0-9a-f]{8}$/, "generation.status_changed  queued  [task_1]"],
  ],
  [
    "verify with the previous secret",
    ["verify", event, "--signature", sign(BODY)],
    { env: PREVIOUS },
    [/^ok {2}signed with the secret [0-9a-f]{8}, the previous one$/],
  ],
]) {
  test(name, async () => {
    const { code, stdout, stderr } = await run(args, options);
    assert.deepEqual([code, stderr], [0, ""]);
    const printed = stdout.split("\n");
    for (const line of lines) {
      const found = printed.some((one) => (line instanceof RegExp ? line.test(one) : one === line));
      assert.ok(found, `${line} is not in ${stdout}`);
    }
  });
}

for (const [name, args, options, stderr] of [
  ["nothing at all", [], {}, /^Usage: vtryon-webhooks/],
  ["an unknown command", ["sing"], {}, /^error: unknown command 'sing'\n\(Did you mean sign\?\)/],
  [
    "an unknown option",
    ["sign", "--secrte"],
    {},
    /^error: unknown option .*\n\(Did you mean --secret/,
  ],
  [
    "too many arguments",
    ["sign", "a", "b"],
    {},
    /^error: too many arguments for 'sign'.* got 2\.\n/,
  ],
  ["no signature", ["verify"], {}, /^error: required option '--signature <hex>' not specified\n/],
  ["no secret", ["sign", event], NO_SECRET, /^error: .* \(secret_missing\)\nset VTRYON_WEBHOOK_/],
  ["an empty secret", ["sign", event, "--secret", ""], {}, /^error: .* \(secret_empty\)\n/],
  ["blanks", ["sign", event, "--secret", " a"], {}, /^error: .* \(secret_whitespace\)\n/],
  ["two secrets", ["sign", "--secret", "a", "--secret-file", "b"], {}, /^error: .*cannot be used/],
  ["no such file", ["sign", "no.json"], {}, /^error: no\.json: there is no such file\n/],
  ["a folder", ["sign", folder], {}, /^error: .*: it can't be read \(EISDIR\)\n/],
  ["no URL", ["send", "localhost:3000"], {}, /^error: the URL is not one of http or https\nwrite/],
  ["another scheme", ["doctor", "file:///etc/passwd"], {}, /^error: the URL is not one of http/],
  [
    "no lifecycle",
    ["trigger", "shoes", "--to", NOWHERE],
    {},
    /^error: .*choices are try-on, ai-mod/,
  ],
  ["no fault", ["trigger", "poses", "--fault", "x"], {}, /^error: .*choices are duplicate, rever/],
  ["no number", ["trigger", "poses", "--retries", "6"], {}, /^error: .*whole number from 0 to 5/],
  [
    "half a retry",
    ["trigger", "poses", "--retries", "1.5"],
    {},
    /^error: .*whole number from 0 to 5/,
  ],
  ["no target", ["trigger", "poses"], {}, /^error: required option '--to <url>' not specified/],
  ["no time", ["doctor", NOWHERE, "--timeout", "0"], {}, /^error: .*number of seconds from 0\.001/],
  [
    "no such status",
    ["send", NOWHERE, "--status", "done"],
    {},
    /^error: .*queued, processing, com/,
  ],
  ["an event told twice", ["send", NOWHERE, event, "--status", "failed"], {}, /^error: .*two ways/],
  [
    "half an event",
    ["send", NOWHERE, "--kind", "poses"],
    {},
    /^error: .*or not at all\nname a file/,
  ],
]) {
  test(`misused: ${name}`, async () => {
    const ended = await run(args, options);
    assert.deepEqual([ended.code, ended.stdout], [2, ""]);
    assert.match(ended.stderr, stderr);
    assert.doesNotMatch(ended.stderr, /^ +at /m);
  });
}

for (const [name, body, signature, code] of [
  ["another body", `${BODY}\n`, sign(BODY), "signature_mismatch"],
  ["another form", BODY, `sha256=${sign(BODY)}`, "malformed_signature"],
  ["an empty one", BODY, "", "missing_signature"],
  ["no event", "[]", sign("[]"), "invalid_event"],
  ["no text", BYTES, sign(BYTES), "invalid_utf8"],
]) {
  test(`verify refuses: ${name}`, async () => {
    const args = ["verify", "--signature", signature];
    const told = await run(args, { input: body });
    assert.deepEqual([told.code, told.stdout], [1, ""]);
    assert.match(told.stderr, new RegExp(`^refused: .+ \\(${code}\\)\n.+\n$`));
    assert.ok(signature === "" || !told.stderr.includes(signature));
    const json = await run([...args, "--json"], { input: body });
    const { ok, error } = JSON.parse(json.stdout);
    assert.deepEqual([json.code, json.stderr, ok, error.code], [1, "", false, code]);
  });
}

/** Makes the command believe that it writes to a terminal. */
const TERMINAL = "--import=data:text/javascript,process.stdout.isTTY=true";
for (const [name, env, start] of [
  ["on a terminal", { NODE_OPTIONS: TERMINAL }, "\u001b[32mok"],
  ["nowhere else", {}, "ok"],
  ["not with NO_COLOR", { NODE_OPTIONS: TERMINAL, NO_COLOR: "1" }, "ok"],
  ["not where a terminal has none", { NODE_OPTIONS: TERMINAL, TERM: "dumb" }, "ok"],
]) {
  test(`colours: ${name}`, async () => {
    const args = ["verify", event, "--signature", sign(BODY)];
    const { stdout } = await run(args, { env: { VTRYON_WEBHOOK_SECRET: SECRET, ...env } });
    assert.ok(stdout.startsWith(start));
  });
}

test("verify prints JSON", async () => {
  const { stdout } = await run(["verify", event, "--json", "--signature", sign(BODY)]);
  const { ok, secret_index, event: read } = JSON.parse(stdout);
  assert.deepEqual([ok, secret_index, read.task_id], [true, 0, "task_1"]);
});

for (const [name, args] of [
  ["an option that does not exist", ["sign", `--secrt=${SECRET}`]],
  ["an argument too many", ["sign", event, SECRET]],
  ["a name and a password", ["send", `http://shop:${SECRET}@127.0.0.1:9/?key=${SECRET}`, event]],
  ["the scheme", ["send", `ftp://shop:${SECRET}@127.0.0.1/`, event]],
  ["the secret twice", ["sign", "--secret", SECRET, "--secret-file", "x"]],
  ["blanks", ["sign", "--secret", ` ${SECRET}`, event]],
  ["a dead port", ["trigger", "poses", "--to", NOWHERE, "--retries", "0", "--secret", SECRET]],
]) {
  test(`no secret is told: ${name}`, async () => {
    const { code, stdout, stderr } = await run(args);
    assert.notEqual(code, 0);
    assert.ok(!`${stdout}${stderr}`.includes(SECRET));
  });
}

for (const [name, args, expected] of [
  ["a file", [event], BODY],
  ["a made-up event", ["--status", "failed", "--kind", "recolor", "--task", "task_9"], /"task_9"/],
]) {
  test(`send: ${name}`, async (t) => {
    const seen = [];
    const url = await serve(t, async (request, response) => {
      seen.push([await bodyOf(request), request.headers["x-vtryon-signature"], request.url]);
      response.end();
    });
    const { code, stdout } = await run(["send", `${url}?key=1`, ...args]);
    const [[body, signature, path]] = seen;
    assert.equal(code, 0);
    assert.equal(stdout, `POST ${url}  → 200\n`);
    assert.deepEqual([signature, path], [sign(body), "/webhooks/vtryon?key=1"]);
    assert.match(body.toString(), expected instanceof RegExp ? expected : new RegExp(`^${BODY}$`));
  });
}

test("send: refused", async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(503, { "retry-after": "7" }).end("\u001b[2J");
  });
  const told = await run(["send", url, event]);
  assert.deepEqual([told.code, told.stdout], [1, `POST ${url}  → 503 (retry-after 7 s)\n`]);
  const json = await run(["send", url, event, "--json"]);
  const expected = { ok: false, answer: 503, retry_after: "7", failure: null };
  assert.deepEqual([json.code, JSON.parse(json.stdout)], [1, expected]);
});

test("send: nobody listens", async () => {
  const { code, stdout } = await run(["send", await deadUrl(), event]);
  assert.equal(code, 1);
  assert.match(stdout, /→ connection refused\n$/);
});
