// Wrong calls of the command: their error messages, which contain no secret.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { emitted, within } from "../../../tests/support/wait.js";
import { COMMAND, run, SECRET } from "../support/run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "vtryon-webhooks-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name, content) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const event = file("event.json", "{}");
const UTF16 = file("utf16", Buffer.from(`\ufeff${SECRET}`, "utf16le"));
const BOM = file("bom", `\ufeff${SECRET}`);
const LATIN1 = file("latin1", Buffer.from(`${SECRET}\u00e9`, "latin1"));
const NOWHERE = "http://127.0.0.1:9/";
const FORWARDING = ["listen", "--forward", NOWHERE];
const NO_SECRET = { env: {} };
const env = { VTRYON_WEBHOOK_SECRET: SECRET };

for (const [name, args, options, stderr] of [
  ["nothing at all", [], {}, /^Usage: vtryon-webhooks/],
  ["an unknown command", ["sing"], {}, /^error: unknown command\n\(Did you mean sign\?\)/],
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
  [
    "a secret in UTF-16",
    ["sign", "--secret-file", UTF16],
    {},
    /^error: .*file is not UTF-8\nwrite/,
  ],
  [
    "a secret after a byte order mark",
    ["sign", "--secret-file", BOM],
    {},
    /^error: .* byte order mark\nwrite/,
  ],
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
  [
    "a misspelt target",
    ["trigger", "poses", "--too", NOWHERE],
    {},
    /^error: unknown option '--too'\n\(Did you mean --to\?\)/,
  ],
  [
    "a misspelt signature",
    ["verify", "--signatur", "0"],
    {},
    /^error: unknown option '--signatur'/,
  ],
  [
    "a name that can't be decoded",
    ["send", "http://%ff@127.0.0.1:9/", event],
    {},
    /^error: the URL has a malformed escape in its name or password\n/,
  ],
  ["such a password", ["doctor", "http://a:%ff@127.0.0.1:9/"], {}, /^error: .* malformed escape/],
  ...["", ".", "..", "a\nb", "\u0085", "é".repeat(129)].flatMap((task) =>
    [
      ["trigger", "poses", "--to", NOWHERE],
      ["send", NOWHERE, "--status", "queued"],
    ].map((args) => [
      `${args[0]}, a task named ${JSON.stringify(task).slice(0, 9)}`,
      [...args, "--task", task],
      {},
      /^error: option '--task <id>' argument is invalid\. It is 1 to 256 bytes/,
    ]),
  ),
  ["no backend", ["listen"], {}, /^error: required option '--forward <url>' not specified/],
  ["no token", FORWARDING, {}, /^error: no token is given\nset VTRYON_GATEWAY_TOKEN/],
  ["an empty token", [...FORWARDING, "--token", ""], {}, /^error: the token is empty, or has/],
  [
    "a token in UTF-16",
    [...FORWARDING, "--token-file", UTF16],
    {},
    /^error: the token's file is not UTF-8\nwrite/,
  ],
  [
    "two tokens",
    [...FORWARDING, "--token", "a", "--token-file", "b"],
    {},
    /^error: .*cannot be used/,
  ],
  [
    "no gateway",
    [...FORWARDING, "--token", "a", "--gateway", "localhost:8787"],
    {},
    /^error: the URL is not one of http or https\nwrite it whole, such as http:\/\/127/,
  ],
  ...["999999d", "1969-12-31T23:59:59Z"].map((since) => [
    `a beginning before all times: ${since}`,
    [...FORWARDING, "--token", "a", `--since=${since}`],
    {},
    /^error: option '--since <time>' argument is invalid\. It is before 1970: the earliest is 1970/,
  ]),
  ...["30", "m", "1w", "-3h", "2026-07-01", "yesterday", "2026-13-01T00:00:00Z"].map((since) => [
    `a beginning that is none: ${since}`,
    [...FORWARDING, "--token", "a", `--since=${since}`],
    {},
    /^error: option '--since <time>' argument is invalid\. It is an age such as 30m/,
  ]),
  [
    "a state of something else",
    [...FORWARDING, "--token", "a", "--state", event],
    {},
    /^error: .* no state of this command\nname another file/,
  ],
  ["no time", ["doctor", NOWHERE, "--timeout", "0"], {}, /^error: .*number of seconds from 0\.001/],
  [
    "no such status",
    ["send", NOWHERE, "--status", "done"],
    {},
    /^error: .*queued, processing, com/,
  ],
  [
    "an event given twice",
    ["send", NOWHERE, event, "--status", "failed"],
    {},
    /^error: .*two ways/,
  ],
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

for (const [name, args] of [
  ["an option that does not exist", ["sign", `--secrt=${SECRET}`]],
  ["a value at a short option that does not", ["sign", `-s${SECRET}`]],
  ["the command", [SECRET]],
  ["the lifecycle", ["trigger", SECRET]],
  ["the secret's file", ["sign", event, "--secret-file", SECRET]],
  ["the body's file", ["sign", SECRET]],
  ["a number", ["doctor", NOWHERE, "--timeout", SECRET]],
  ["a fault", ["trigger", "poses", "--fault", SECRET]],
  ["a task", ["trigger", "poses", "--to", NOWHERE, "--task", `${SECRET}\n`]],
  ["a case", ["doctor", NOWHERE, "--only", SECRET]],
  ["a secret that is not UTF-8", ["sign", "--secret-file", LATIN1]],
  ["an argument too many", ["sign", event, SECRET]],
  ["a name and a password", ["send", `http://shop:${SECRET}@127.0.0.1:9/?key=${SECRET}`, event]],
  ["the scheme", ["send", `ftp://shop:${SECRET}@127.0.0.1/`, event]],
  ["a token that no header can have", [...FORWARDING, "--token", `${SECRET}\n`]],
  ["the token's file", [...FORWARDING, "--token-file", SECRET]],
  ["where to begin", [...FORWARDING, "--since", SECRET]],
  ["the gateway", [...FORWARDING, "--token", "a", "--gateway", `ftp://shop:${SECRET}@127.0.0.1/`]],
  ["the secret twice", ["sign", "--secret", SECRET, "--secret-file", "x"]],
  ["blanks", ["sign", "--secret", ` ${SECRET}`, event]],
  ["a dead port", ["trigger", "poses", "--to", NOWHERE, "--retries", "0", "--secret", SECRET]],
]) {
  test(`no secret is printed: ${name}`, async () => {
    const { code, stdout, stderr } = await run(args);
    assert.notEqual(code, 0);
    assert.ok(!`${stdout}${stderr}`.includes(SECRET));
  });
}

test("a failing standard output is reported", { skip: !existsSync("/dev/full") }, () => {
  const full = openSync("/dev/full", "w");
  const options = { env, stdio: ["ignore", full, "pipe"], encoding: "utf8" };
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, "sign", event], options);
  closeSync(full);
  assert.equal(status, 1);
  assert.match(stderr, /^error: standard output can't be written \(ENOSPC\)\nsee whether/);
});

test("a closed pipe is no error message", async () => {
  const command = spawn(process.execPath, [COMMAND, "sign"], { env });
  command.stdout.destroy();
  await emitted(command.stdout, "close");
  command.stdin.end("{}");
  const ended = Promise.all([text(command.stderr), once(command, "close")]);
  const [stderr, [code]] = await within("the command to end", ended);
  assert.deepEqual([code, stderr], [1, ""]);
});
