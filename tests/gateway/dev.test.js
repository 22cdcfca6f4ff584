// `dev`: where it stores, and what it says of a port that it can't have. A start that succeeds is tested with the package.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { emitted } from "../support/wait.js";
import { Deployment } from "./support/deployment.js";

let deployment;
beforeEach(async () => {
  deployment = await Deployment.start();
});
afterEach(() => deployment.stop());

test("an empty STATE_DIR counts as unset, and not as the current folder", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  await emitted(other, "listening");
  t.after(() => other.close());
  const PORT = String(other.address().port);
  const { code, err } = await deployment.run(["dev"], { PORT, STATE_DIR: "" });
  assert.equal(code, 1);
  assert.match(err, new RegExp(`^error: port ${PORT} is taken by process ${process.pid} `));
  assert.ok(existsSync(path.join(deployment.folder, ".vtryon-gateway/state")));
});

test("an empty PORT counts as unset", async () => {
  deployment.write("wrangler.jsonc", "{}");
  const { err } = await deployment.run(["dev"], { PORT: "" });
  // It begins with the port.
  assert.match(err, /^error: \S+wrangler\.jsonc is of another Worker/);
});
