// Next.js imports every route while it builds, where no secret is set: the build succeeds, and requests are answered
// by whether there is one when they come. In Node's runtime and in the edge runtime.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { block } from "../../../tests/pages.js";
import { freePort } from "../../../tests/support/free-port.js";
import { until } from "../../../tests/support/wait.js";
import { post, SECRET } from "../support/completed-event.js";
import { Packed, run } from "../support/packed-package.js";

const FIXTURES = path.join(import.meta.dirname, "../fixtures");
const NEXT = path.join(FIXTURES, "node_modules/next/dist/bin/next");
const ROUTE = block("next");

const packed = new Packed();
after(() => packed.remove());

// Under the folder that has Next.js, so that it is found there.
const project = mkdtempSync(path.join(FIXTURES, "app-"));
after(() => rmSync(project, { recursive: true, force: true }));

const { VTRYON_WEBHOOK_SECRET: _, VTRYON_WEBHOOK_SECRET_PREVIOUS: __, ...rest } = process.env;
const env = { ...rest, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" };

before(() => {
  for (const [file, text] of Object.entries({
    "package.json": '{ "private": true, "type": "module" }',
    "next.config.js": `export default { turbopack: { root: ${JSON.stringify(FIXTURES)} } };`,
    "app/layout.js": "export default ({ children }) => <html><body>{children}</body></html>;",
    "app/webhooks/vtryon/route.js": ROUTE,
    "app/edge/vtryon/route.js": `export const runtime = "edge";\n${ROUTE}`,
    "pages/api/vtryon.js": block("next-pages"),
  })) {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    writeFileSync(path.join(project, file), text);
  }
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", packed.tarball], { cwd: project });
  run(process.execPath, [NEXT, "build"], { cwd: project, env });
});

/** Runs `next start` until the test has ended; returns its URL and what it printed. */
async function start(t, more) {
  const port = await freePort();
  const args = [NEXT, "start", "--hostname", "127.0.0.1", "--port", `${port}`];
  const child = spawn(process.execPath, args, { cwd: project, env: { ...env, ...more } });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => printed.push(String(text)));
  }
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    assert.equal(child.exitCode, null, printed.join(""));
    return fetch(`${url}/webhooks/vtryon`).catch(() => undefined);
  });
  return { url, said: () => printed.join("") };
}

const ROUTES = ["webhooks/vtryon", "edge/vtryon", "api/vtryon"];

test("the build has made the routes of both routers", () => {
  for (const route of ["app/webhooks/vtryon", "app/edge/vtryon", "pages/api/vtryon.js"]) {
    assert.ok(existsSync(path.join(project, ".next/server", route)), route);
  }
});

test("without a secret: 503 with an error in the log, never 200", async (t) => {
  const { url, said } = await start(t, {});
  for (const route of ROUTES) {
    const answer = await post(`${url}/${route}`);
    assert.equal(answer.status, 503, said());
    assert.equal(answer.headers.get("retry-after"), "10");
  }
  await until(() => said().includes("secret_missing"));
});

test("with a secret, the same build: 200, and 401 for another one", async (t) => {
  const { url, said } = await start(t, { VTRYON_WEBHOOK_SECRET: SECRET });
  for (const route of ROUTES) {
    assert.equal((await post(`${url}/${route}`)).status, 200, `${route}: ${said()}`);
    assert.equal((await post(`${url}/${route}`, "whsec_other")).status, 401);
  }
});
