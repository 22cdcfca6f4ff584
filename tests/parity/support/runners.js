// Who is asked: each takes all questions at once and returns all answers.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import * as esm from "vtryon-webhooks";
import { launch } from "../../support/chromium.js";
import { emitted, within } from "../../support/wait.js";
import { judge } from "./judge.js";

/** How long a program may take for all questions, in milliseconds: another cargo may be at work. */
const LIMIT = 600_000;

const ROOT = path.resolve(import.meta.dirname, "../../..");
const cjs = createRequire(import.meta.url)("vtryon-webhooks");

/** Asks a program that answers line by line. */
function lines(command, args, env = {}) {
  return async (questions) => {
    const program = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const exit = once(program, "exit");
    const lines = Readable.from(questions).map((question) => `${JSON.stringify(question)}\n`);
    const ended = Promise.all([text(program.stdout), exit, pipeline(lines, program.stdin)]);
    const [out, [code]] = await within(`the answers of ${command}`, ended, LIMIT);
    if (code !== 0) throw new Error(`${command} ended with ${code}`);
    return out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  };
}

/** Asks the package inside the Workers runtime. */
async function workerd(questions) {
  const folder = await mkdtemp(path.join(tmpdir(), "vtryon-parity-"));
  await build({
    entryPoints: [path.join(import.meta.dirname, "worker.js")],
    outdir: folder,
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    loader: { ".wasm": "copy" },
  });
  const miniflare = new Miniflare({
    modules: true,
    modulesRoot: folder,
    scriptPath: path.join(folder, "worker.js"),
    modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
    compatibilityDate: "2026-07-01",
    cf: false,
  });
  try {
    const init = { method: "POST", body: JSON.stringify(questions) };
    return await (await miniflare.dispatchFetch("http://worker/", init)).json();
  } finally {
    await miniflare.dispose();
    await rm(folder, { recursive: true });
  }
}

/** Asks the package inside a page in Chromium. */
async function chrome(questions) {
  const { outputFiles } = await build({
    entryPoints: [path.join(import.meta.dirname, "page.js")],
    bundle: true,
    format: "esm",
    write: false,
  });
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? outputFiles[0].text : '<script type="module" src="/page.js"></script>');
  }).listen(0, "127.0.0.1");
  let browser;
  try {
    await emitted(server, "listening");
    browser = await launch();
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`, { waitUntil: "load" });
    return await page.evaluate((questions) => globalThis.judgeAll(questions), questions);
  } finally {
    await browser?.close();
    server.close();
  }
}

export const RUNNERS = {
  native: lines("cargo", [
    "run",
    "--quiet",
    "--package",
    "vtryon-webhooks-tests",
    "--bin",
    "verdict",
  ]),
  esm: async (questions) => questions.map((question) => judge(esm, question)),
  cjs: async (questions) => questions.map((question) => judge(cjs, question)),
  workerd,
  chrome,
  python: lines("python3", ["python/tests/verdict.py"], { PYTHONPATH: "python/src" }),
};
