// The secrets of `make dev`: what is generated is long enough, and what is given has to be.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { loadSecrets } from "../../edge-worker/npm/lib/local/secrets.js";

const LONG = "l".repeat(32);
const SHORT = "s".repeat(31);

/** Loads the secrets of a folder whose .dev.vars holds `text`. */
function load(t, text, environment) {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-secrets-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const devVars = path.join(folder, ".dev.vars");
  if (text !== undefined) writeFileSync(devVars, text);
  const loaded = () => loadSecrets(devVars, path.join(folder, "overlay"), environment);
  return { loaded, kept: () => readFileSync(devVars, "utf8") };
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
  ["an empty one", "GATEWAY_ADMIN_TOKEN=", {}, /^GATEWAY_ADMIN_TOKEN/],
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
