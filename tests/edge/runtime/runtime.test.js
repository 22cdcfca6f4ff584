// What is deployed asks for the runtime that the tests run on, and that runtime has what deliveries rely on.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { RUNTIME } from "../../runtime.js";

const CONFIG = path.resolve(import.meta.dirname, "../../../wrangler.toml");

/** A Worker that answers with the compatibility flags that its runtime goes by. */
const FLAGS = `export default {
  fetch: () => Response.json(globalThis.Cloudflare.compatibilityFlags),
};`;

test("wrangler deploys with the date and the flags that the tests run with", () => {
  const { compatibilityDate, compatibilityFlags } =
    unstable_getMiniflareWorkerOptions(CONFIG).workerOptions;
  assert.deepEqual({ compatibilityDate, compatibilityFlags }, RUNTIME);
});

test("wrangler.toml limits the CPU time to 10 s", () => {
  assert.equal(unstable_readConfig({ config: CONFIG }).limits.cpu_ms, 10_000);
});

test("an endpoint in the gateway's own zone is called through Access and the firewall", async (t) => {
  const miniflare = new Miniflare({ modules: true, script: FLAGS, ...RUNTIME });
  t.after(() => miniflare.dispose());
  const flags = await (await miniflare.dispatchFetch("http://worker/")).json();
  assert.equal(flags.global_fetch_strictly_public, true);
});
