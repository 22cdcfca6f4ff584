// The doctor of the npm package at every adapter of the Python package, behind real servers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { checkEndpoint } from "vtryon-webhooks/testing";
import { emitted } from "../support/wait.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const ADAPTERS = ["flask", "starlette", "fastapi", "fastapi-view", "django-wsgi", "django-asgi"];

/** The server of Django's `runserver` hands no chunked body on: all of them are answered 503. */
const CHUNKED = /^(chunked|long-body-chunked|too-long-chunked)(-unsigned)?$/;

for (const name of ADAPTERS) {
  test(`python, ${name}, passes`, async (t) => {
    const server = spawn(".cache/python/bin/python", ["python/tests/serve.py", name], {
      cwd: ROOT,
      env: { ...process.env, PYTHONPATH: "python/src" },
      // What the frameworks log of each request is not looked at.
      stdio: ["pipe", "pipe", "ignore"],
    });
    t.after(() => server.kill());
    const [port] = await emitted(server.stdout, "data");
    const url = `http://127.0.0.1:${Number(port)}/webhooks/vtryon`;
    const { results } = await checkEndpoint(url, { secret: "whsec_test" });
    assert.notEqual(results.length, 0);
    const lost = ({ name: row }) => name === "django-wsgi" && CHUNKED.test(row);
    assert.deepEqual(
      results.filter((row) => !row.ok && !lost(row)),
      [],
    );
  });
}
