// The lines that a gateway prints, by platform.

import assert from "node:assert/strict";
import { test } from "node:test";
import { example } from "../../edge-worker/npm/lib/local/example.js";
import { quotePath } from "../../edge-worker/npm/lib/shell.js";

const URL = "http://127.0.0.1:8787";
const SECRETS = { VTRYON_WEBHOOK_SECRET: "of Vtryon", GATEWAY_ADMIN_TOKEN: "token" };

for (const [platform, title] of [
  ["linux", "Post a signed event and read its task:"],
  ["darwin", "Post a signed event and read its task:"],
  // Neither cmd nor PowerShell takes them.
  ["win32", "Post a signed event and read its task, in Git Bash:"],
]) {
  test(`on ${platform}, the shell that takes the lines is named where it is not the usual one`, () => {
    const lines = example(URL, SECRETS, platform).split("\n");
    assert.ok(lines.includes(title), lines.join("\n"));
    assert.deepEqual(
      lines.slice(lines.indexOf(title) + 1),
      example(URL, SECRETS, "linux")
        .split("\n")
        .slice(lines.indexOf(title) + 1),
    );
  });
}

for (const [platform, path, quoted] of [
  ["linux", "../gateway", "../gateway"],
  ["linux", "the shop's", "'the shop'\\''s'"],
  ["win32", "..\\gateway", "..\\gateway"],
  ["win32", "C:\\Users\\RUNNER~1\\the shop's", '"C:\\Users\\RUNNER~1\\the shop\'s"'],
]) {
  test(`on ${platform}, ${path} is quoted as a shell there takes it`, () => {
    assert.equal(quotePath(path, platform), quoted);
  });
}
