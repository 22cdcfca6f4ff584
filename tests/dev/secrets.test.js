// The secrets of a gateway: what is generated is what the gateway takes, and what is given has to be.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { loadSecrets } from "../../edge-worker/npm/lib/local/secrets.js";
import { checkSecrets } from "../../edge-worker/npm/lib/secrets.js";
import { read } from "../pages.js";

const LONG = "l".repeat(32);
const SHORT = "s".repeat(31);

/** Loads the secrets of a folder whose .dev.vars holds `text`. */
function load(t, text, environment) {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-secrets-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const devVars = path.join(folder, ".dev.vars");
  if (text !== undefined) writeFileSync(devVars, text);
  const loaded = () => loadSecrets(devVars, path.join(folder, "overlay"), environment);
  const mode = () => statSync(devVars).mode & 0o777;
  const overlay = () => readFileSync(path.join(folder, "overlay"), "utf8");
  return { loaded, kept: () => readFileSync(devVars, "utf8"), mode, overlay };
}

test("what is generated is kept, and long enough", (t) => {
  const { loaded, kept } = load(t, undefined, {});
  const { secrets } = loaded();
  for (const name of ["VTRYON_WEBHOOK_SECRET", "GATEWAY_ADMIN_TOKEN", "GATEWAY_MASTER_KEY"]) {
    assert.match(secrets[name], /^[0-9a-f]{64}$/, name);
    assert.ok(kept().includes(`${name}="${secrets[name]}"`), name);
  }
  assert.deepEqual(loaded().secrets, secrets);
});

test("what is copied from the example is filled in, and for nobody else to read", (t) => {
  const { loaded, kept, mode } = load(t, read("deploy/.dev.vars.example"), {});
  const { secrets } = loaded();
  const filled = ["VTRYON_WEBHOOK_SECRET", "GATEWAY_ADMIN_TOKEN", "GATEWAY_MASTER_KEY"];
  for (const name of filled) {
    assert.match(secrets[name], /^[0-9a-f]{64}$/, name);
    assert.deepEqual(kept().match(new RegExp(`^${name}=.*$`, "gm")), [
      `${name}="${secrets[name]}"`,
    ]);
  }
  assert.equal(kept().split("\n").length, read("deploy/.dev.vars.example").split("\n").length);
  assert.equal(mode(), 0o600);
  assert.deepEqual(loaded().secrets, secrets);
});

test("where .dev.vars is a link, the file that it leads to is filled in", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-secrets-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [kept, devVars] = [path.join(folder, "kept"), path.join(folder, ".dev.vars")];
  writeFileSync(kept, "GATEWAY_ADMIN_TOKEN=\n");
  symlinkSync(kept, devVars);
  const { secrets } = loadSecrets(devVars, path.join(folder, "overlay"), {});
  assert.ok(lstatSync(devVars).isSymbolicLink());
  assert.ok(readFileSync(kept, "utf8").includes(secrets.GATEWAY_ADMIN_TOKEN));
});

test("on a full disk, the secrets that are there stay", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-secrets-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const devVars = path.join(folder, ".dev.vars");
  writeFileSync(devVars, "VTRYON_WEBHOOK_SECRET=mine\n");
  const module = new URL("../../edge-worker/npm/lib/local/secrets.js", import.meta.url);
  const program = `import { keepSecrets } from "${module}"; keepSecrets(process.argv[1]);`;
  // A limit of no bytes, and the write fails as it does there.
  const { status, stderr } = spawnSync(
    "bash",
    [
      "-c",
      'trap "" XFSZ; ulimit -f 0; exec "$@"',
      "bash",
      process.execPath,
      "-e",
      program,
      devVars,
    ],
    { encoding: "utf8" },
  );
  assert.notEqual(status, 0);
  assert.match(stderr, /EFBIG/);
  assert.deepEqual(readdirSync(folder), [".dev.vars"]);
  assert.equal(readFileSync(devVars, "utf8"), "VTRYON_WEBHOOK_SECRET=mine\n");
});

/** [a name, a value, what is said of it; nothing where it is good] */
const VALUES = [
  ["GATEWAY_ADMIN_TOKEN", LONG],
  ["GATEWAY_ADMIN_TOKEN", SHORT, "has fewer than 32 characters"],
  ["GATEWAY_ADMIN_TOKEN", "試".repeat(32)],
  ["GATEWAY_ADMIN_TOKEN", `${LONG}\n`, "begins or ends with whitespace"],
  ["GATEWAY_ADMIN_TOKEN", "", "has fewer than 32 characters"],
  ["GATEWAY_ADMIN_TOKEN_PREVIOUS", ""],
  ["GATEWAY_ADMIN_TOKEN_PREVIOUS", SHORT, "has fewer than 32 characters"],
  ["GATEWAY_TICKET_TOKEN", SHORT, "has fewer than 32 characters"],
  ["GATEWAY_MASTER_KEY", "0F".repeat(32)],
  ["GATEWAY_MASTER_KEY", "-_+/AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8="],
  ["GATEWAY_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8"],
  ["GATEWAY_MASTER_KEY", "mykey", "is not 32 bytes in hex or base64"],
  ["GATEWAY_MASTER_KEY", "0f".repeat(33), "is not 32 bytes in hex or base64"],
  ["GATEWAY_MASTER_KEY", "", "is not 32 bytes in hex or base64"],
  ["VTRYON_WEBHOOK_SECRET", "of Vtryon"],
  ["VTRYON_WEBHOOK_SECRET", "", "is empty"],
  ["VTRYON_WEBHOOK_SECRET", " x", "begins or ends with whitespace"],
  ["VTRYON_WEBHOOK_SECRET", '"x"', "has quotes around it"],
  ["VTRYON_WEBHOOK_SECRET", "whsec_x\u200b", "holds a zero-width character"],
  ["VTRYON_WEBHOOK_SECRET_PREVIOUS", "undefined", "is the word undefined"],
  ["GATEWAY_ADMIN_TOKEN", `${LONG}\xa0`, "holds a no-break space"],
  ["VTRYON_WEBHOOK_SECRET_PREVIOUS", ""],
  ["VTRYON_WEBHOOK_SECRET_PREVIOUS", "x ", "begins or ends with whitespace"],
  ["GATEWAY_MASTER_KEY", 0, "is not a text"],
  ["SHARDS", ""],
];
for (const [name, value, told] of VALUES) {
  test(`${name}=${JSON.stringify(value)} ${told ?? "is taken"}`, () => {
    const check = () => checkSecrets({ [name]: value }, "a file");
    if (told === undefined) return check();
    assert.throws(check, ({ message }) => {
      assert.ok(message.startsWith(`${name} in a file ${told}`), message);
      assert.ok(
        ["", 0].includes(value) ||
          !message.slice(`${name} in a file ${told}`.length).includes(value),
        "never its value",
      );
      return true;
    });
  });
}

test("a token is refused that is too long to sign in with", () => {
  const check = (length) => checkSecrets({ GATEWAY_ADMIN_TOKEN: "試".repeat(length) });
  check(512);
  assert.throws(() => check(513), /^.*GATEWAY_ADMIN_TOKEN has more than 512 characters: generate/);
});

test("a token for tickets that is an administrator's too is refused", () => {
  const variables = { GATEWAY_ADMIN_TOKEN: LONG, GATEWAY_TICKET_TOKEN: LONG };
  assert.throws(
    () => checkSecrets(variables),
    /^.*GATEWAY_TICKET_TOKEN is the same as GATEWAY_ADMIN_TOKEN/,
  );
});

/** [what is given, .dev.vars, the environment, what is said; nothing where it is good] */
const TOKENS = [
  ["a long one in .dev.vars", `GATEWAY_ADMIN_TOKEN=${LONG}`, {}],
  ["a long one in the environment", "", { GATEWAY_ADMIN_TOKEN: LONG }],
  ["a short one that is overridden", `GATEWAY_ADMIN_TOKEN=${SHORT}`, { GATEWAY_ADMIN_TOKEN: LONG }],
  ["a token for tickets", `GATEWAY_TICKET_TOKEN=${LONG}`, {}],
  [
    "a short one in .dev.vars",
    `GATEWAY_ADMIN_TOKEN=${SHORT}`,
    {},
    /^GATEWAY_ADMIN_TOKEN in .*\.dev\.vars/,
  ],
  ["a short one in the environment", "", { GATEWAY_ADMIN_TOKEN: SHORT }, /in the environment/],
  ["an empty one in the environment", "", { GATEWAY_ADMIN_TOKEN: "" }],
  ["a short token for tickets", `GATEWAY_TICKET_TOKEN=${SHORT}`, {}, /^GATEWAY_TICKET_TOKEN in/],
];
for (const [name, text, environment, told] of TOKENS) {
  test(`tokens: ${name}`, (t) => {
    const { loaded, kept } = load(t, `${text}\n`, environment);
    if (told === undefined) return assert.ok(loaded().secrets.GATEWAY_ADMIN_TOKEN.length >= 32);
    assert.throws(loaded, ({ message }) => {
      assert.match(message, told);
      assert.match(
        message,
        /has fewer than 32 characters: generate one by `openssl rand -hex 32`$/,
      );
      assert.ok(!message.includes(SHORT), "never its value");
      return true;
    });
    assert.equal(kept(), `${text}\n`, "nothing is generated beside it");
  });
}

/** [what is in .dev.vars, what wrangler is given over it, the environment] */
const OVERLAYS = [
  ["VTRYON_WEBHOOK_SECRET=plain", ""],
  ["VTRYON_WEBHOOK_SECRET='pa$$w0rd$1x'", "VTRYON_WEBHOOK_SECRET='pa\\$\\$w0rd\\$1x'\n"],
  ["PRICE='$5'", "PRICE='\\$5'\n"],
  ["VTRYON_WEBHOOK_SECRET='$a'", "VTRYON_WEBHOOK_SECRET='b'\n", { VTRYON_WEBHOOK_SECRET: "b" }],
];
for (const [text, expected, environment = {}] of OVERLAYS) {
  test(`the gateway has what is printed, although wrangler expands it: ${text}`, (t) => {
    const { loaded, overlay } = load(t, `${text}\nGATEWAY_ADMIN_TOKEN=${LONG}\n`, environment);
    loaded();
    assert.equal(overlay(), expected);
  });
}
