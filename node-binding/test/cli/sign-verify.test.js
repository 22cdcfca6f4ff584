// The command: its help, and what it signs and verifies.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { run, SECRET } from "../support/run-cli.js";

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

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url)));
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
      "  trigger [options] <lifecycle>  post all events of a task, with faults and",
      "The secret is read from VTRYON_WEBHOOK_SECRET, or given by --secret-file or --secret.",
      "Examples:",
      "  $ vtryon-webhooks doctor http://localhost:3000/webhooks/vtryon",
    ],
  ],
  ["help of sign", ["sign", "--help"], NO_SECRET, ["Prints the signature of a body."]],
  [
    "help of verify",
    ["help", "verify"],
    NO_SECRET,
    ["Checks the signature of a body, and shows its event.", "Examples:"],
  ],
  ["help of send", ["send", "-h"], NO_SECRET, ["Signs one event and posts it once.", "Examples:"]],
  [
    "help of trigger",
    ["trigger", "--help"],
    NO_SECRET,
    ["Posts all events of a task, with faults and retries.", "Faults:", "Examples:"],
  ],
  [
    "help of doctor",
    ["doctor", "--help"],
    NO_SECRET,
    ["Tests an endpoint with requests that receivers are known to get wrong.", "Examples:"],
  ],
  [
    "help of listen",
    ["listen", "--help"],
    NO_SECRET,
    ["Forwards the events that a gateway receives to a backend, such as on this", "Examples:"],
  ],
  [
    "help of export",
    ["export", "--help"],
    NO_SECRET,
    ["Writes the events that a gateway has stored, a line of JSON each.", "Examples:"],
  ],
  [
    "help of import",
    ["import", "--help"],
    NO_SECRET,
    ["Stores the events of an export in another gateway.", "Examples:"],
  ],
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
  [
    "verify with a previous secret that is empty",
    ["verify", event, "--signature", sign(BODY)],
    { env: { VTRYON_WEBHOOK_SECRET: SECRET, VTRYON_WEBHOOK_SECRET_PREVIOUS: "" } },
    [/^ok {2}signed with the secret [0-9a-f]{8}$/],
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

for (const [name, body, signature, code] of [
  ["another body", `${BODY}\n`, sign(BODY), "signature_mismatch"],
  ["another form", BODY, `sha256=${sign(BODY)}`, "malformed_signature"],
  ["an empty one", BODY, "", "missing_signature"],
  ["no event", "[]", sign("[]"), "invalid_event"],
  ["no text", BYTES, sign(BYTES), "invalid_utf8"],
]) {
  test(`verify refuses: ${name}`, async () => {
    const args = ["verify", "--signature", signature];
    const result = await run(args, { input: body });
    assert.deepEqual([result.code, result.stdout], [1, ""]);
    assert.match(result.stderr, new RegExp(`^refused: .+ \\(${code}\\)\n.+\n$`));
    assert.ok(signature === "" || !result.stderr.includes(signature));
    const json = await run([...args, "--json"], { input: body });
    const { ok, error } = JSON.parse(json.stdout);
    assert.deepEqual([json.code, json.stderr, ok, error.code], [1, "", false, code]);
  });
}

test("verify prints no characters that a terminal obeys or that turn the text around", async () => {
  const body =
    '{"event":"generation.status_changed","task_id":"a\u202eb","status":"c\u2028d\u2066"}';
  const { stdout } = await run(["verify", "--signature", sign(body)], { input: body });
  assert.equal(stdout.split("\n")[1], "generation.status_changed  c d  [a b]");
  const other = '{"event":"e\u202ef","task_id":"g"}';
  const { stdout: printed } = await run(["verify", "--signature", sign(other)], { input: other });
  assert.equal(printed.split("\n")[1], "e f  no status  [g]");
});

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
