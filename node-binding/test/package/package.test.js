// The package as its users get it: its form, its size, and that it runs where it says it does.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { block } from "../../../tests/pages.js";
import { skipWithoutRuntime } from "../../../tests/support/skip.js";
import { PACKAGE, Packed, ROOT, run } from "../support/packed-package.js";

const packed = new Packed();
after(() => packed.remove());

const bin = (name) => path.join(ROOT, "node_modules", name);
const manifest = JSON.parse(readFileSync(path.join(PACKAGE, "package.json"), "utf8"));
const ENTRIES = Object.keys(manifest.exports).filter((entry) => entry !== "./package.json");
const names = ENTRIES.map((entry) => `vtryon-webhooks${entry.slice(1)}`);

test("publint finds nothing", () => {
  run(bin(".bin/publint"), ["run", "--strict", packed.tarball]);
});

test("attw: types resolve in every module system", () => {
  run(bin(".bin/attw"), [packed.tarball, "--no-emoji"]);
});

test("it has no dependencies, and names its repository", () => {
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies", "scripts"]) {
    assert.equal(manifest[kind], undefined, kind);
  }
  assert.equal(manifest.publishConfig.provenance, true);
  assert.equal(manifest.repository.directory, "node-binding");
  const repository = "https://github.com/vtryon/vtryon-webhooks";
  assert.equal(manifest.repository.url, `git+${repository}.git`);
  assert.equal(manifest.homepage, `${repository}/tree/main/node-binding#readme`);
  assert.equal(manifest.bugs, `${repository}/issues`);
  const files = packed.about.files.map((file) => file.path);
  for (const file of ["README.md", "LICENSE-MIT", "LICENSE-APACHE"]) {
    assert.ok(files.includes(file), file);
  }
});

test("its size is within the limits", async () => {
  const wasm = readFileSync(path.join(PACKAGE, "dist/wasm/core.wasm"));
  const sizes = {
    wasm: [wasm.length, 130_000],
    "wasm, gzip": [gzipSync(wasm, { level: 9 }).length, 50_000],
    tarball: [statSync(packed.tarball).size, 400_000],
  };
  for (const [what, [size, limit]] of Object.entries(sizes)) {
    console.log(`${what}: ${size} bytes, limit ${limit}`);
    assert.ok(size <= limit, what);
  }
  const { default: text } = await import("../../dist/cjs/wasm.js");
  const inlined = packed.about.files.filter(
    ({ path }) =>
      /\.c?js$/.test(path) &&
      readFileSync(`${PACKAGE}/${path}`, "utf8").includes(text.slice(0, 60)),
  );
  assert.equal(inlined.length, 1, "the core is inlined once, for ES modules and CommonJS");
});

/** Verifies an event, reads it, is refused, and prints what came of it. */
const PROGRAM = `
const body = '{"event":"generation.status_changed","task_id":"task_1","status":"queued"}';
const signature = sign(body, "whsec_test");
const event = new VtryonWebhooks("whsec_test").constructEvent(body, signature);
let code;
try {
  verify(body, "0".repeat(64), "whsec_test");
} catch (error) {
  code = WebhookError.is(error) && error.code;
}
console.log(JSON.stringify([signature.length, event.status, code]));
`;
const PRINTED = '[64,"queued","signature_mismatch"]\n';
const SAMPLES = {
  "index.mjs": `
import { verify, VtryonWebhooks, WebhookError } from "vtryon-webhooks";
import { sign } from "vtryon-webhooks/testing";
for (const name of ${JSON.stringify(names)}) await import(name);
${PROGRAM}`,
  "index.cjs": `
const { verify, VtryonWebhooks, WebhookError } = require("vtryon-webhooks");
const { sign } = require("vtryon-webhooks/testing");
for (const name of ${JSON.stringify(names)}) require(name);
${PROGRAM}`,
};

const RUNTIMES = {
  "Node 20": [bin("node20-linux-x64/bin/node")],
  "Node 22": [bin("node22-linux-x64/bin/node")],
  "Node 24": [process.execPath],
  Bun: [bin("bun-linux-x64/bin/bun")],
  Deno: [bin("deno-linux-x64/deno"), "run", "--allow-all", "--node-modules-dir=manual"],
};

test("it runs", async (t) => {
  const project = packed.project("runs", { "package.json": "{}", ...SAMPLES });
  for (const [runtime, [command, ...args]] of Object.entries(RUNTIMES)) {
    const skip = skipWithoutRuntime(command);
    for (const sample of Object.keys(SAMPLES)) {
      await t.test(`in ${runtime}, ${sample}`, { skip }, () => {
        assert.equal(run(command, [...args, sample], { cwd: project }), PRINTED);
      });
    }
  }
  await t.test("as a command", () => {
    const command = path.join(project, "node_modules/.bin/vtryon-webhooks");
    assert.equal(run(command, ["--version"]), `${manifest.version}\n`);
  });
});

test("its types match its behaviour", () => {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: ["node"],
    skipLibCheck: true,
  };
  const linked = ["@types", "express", "fastify", "hono", "undici-types"];
  const sample = readFileSync(path.join(import.meta.dirname, "types.sample.ts"), "utf8");
  const settings = [
    { module: "nodenext", target: "es2022", type: "module" },
    { module: "nodenext", target: "es2022", type: "commonjs" },
    { module: "preserve", moduleResolution: "bundler", target: "es2022", type: "module" },
  ];
  for (const [place, { type, ...options }] of settings.entries()) {
    const files = {
      "package.json": JSON.stringify({ type }),
      "tsconfig.json": JSON.stringify({ compilerOptions: { ...compilerOptions, ...options } }),
      "index.ts": sample,
    };
    const project = packed.project(`types${place}`, files, linked);
    run(bin(".bin/tsc"), ["-p", project]);
  }
});

// Every entry, with what most programs use of it; no types of a framework, which need newer compilers themselves.
const OLD_SAMPLE = `
import { createServer } from "node:http";
import { constructEvent, hasStatus, VtryonWebhooks, WebhookError, type VtryonEvent } from "vtryon-webhooks";
import { captureRawBody } from "vtryon-webhooks/express";
import type { FastifyReceiverOptions } from "vtryon-webhooks/fastify";
import type { HonoContext } from "vtryon-webhooks/hono";
import { vtryonWebhooks } from "vtryon-webhooks/node";
import { MemoryStore, PostgresStore, SqliteStore } from "vtryon-webhooks/stores";
import { checkEndpoint, signedRequest } from "vtryon-webhooks/testing";
import * as forWeb from "vtryon-webhooks/web";

const describe = (event: VtryonEvent): string =>
  event.status === "completed" ? event.result_url ?? "none" : event.status ?? event.event;
const secrets = async (): Promise<string[]> => ["whsec_a"];
createServer(vtryonWebhooks({ secrets, store: new MemoryStore(), onEvent: describe }));
const POST: (request: Request) => Promise<Response> = forWeb.vtryonWebhooks({ onEvent: describe });
const event = constructEvent("{}", ["a"], "whsec_a");
void [POST, describe(event), new VtryonWebhooks("a"), captureRawBody, PostgresStore, SqliteStore];
void [hasStatus(event, "paused"), checkEndpoint, signedRequest, WebhookError.is(event), {} as HonoContext, {} as FastifyReceiverOptions];
// @ts-expect-error: a parsed body is not what was signed
constructEvent({ event: "x" }, "a", "whsec_a");
`;

// The README names the oldest.
for (const [version, place, settings] of [
  ["4.9", "typescript4", { module: "nodenext", target: "es2022", type: "module" }],
  ["4.9", "typescript4", { module: "nodenext", target: "es2022", type: "commonjs" }],
  ["4.9", "typescript4", { module: "commonjs", moduleResolution: "node", target: "es2020" }],
  ["5.9", "typescript5", { module: "nodenext", target: "es2022", type: "module" }],
  ["5.9", "typescript5", { module: "preserve", moduleResolution: "bundler", target: "es2022" }],
]) {
  const { type = "commonjs", ...options } = settings;
  test(`its types compile with TypeScript ${version}, libraries checked: ${options.module}, ${type}`, () => {
    const compilerOptions = {
      ...options,
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      types: ["node"],
      skipLibCheck: false,
      lib: ["es2022", "dom", "dom.iterable"],
    };
    const project = packed.project(`types-${place}-${options.module}-${type}`, {
      "package.json": JSON.stringify({ type }),
      "tsconfig.json": JSON.stringify({ compilerOptions, files: ["index.ts"] }),
      "index.ts": OLD_SAMPLE,
    });
    const modules = path.join(import.meta.dirname, "../fixtures/node_modules");
    mkdirSync(path.join(project, "node_modules/@types"), { recursive: true });
    for (const [from, to] of [
      ["types-node18", "@types/node"],
      ["undici-types", "undici-types"],
    ]) {
      symlinkSync(path.join(modules, from), path.join(project, "node_modules", to));
    }
    const compiler = path.join(modules, place, "lib/tsc.js");
    assert.match(run(process.execPath, [compiler, "--version"]), new RegExp(`Version ${version}`));
    run(process.execPath, [compiler, "-p", project]);
  });
}

test("it runs in a Worker that wrangler bundled", async (t) => {
  const project = packed.project("worker", {
    "package.json": "{}",
    "wrangler.toml": 'name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-07-01"\n',
    "index.js": block("workers"),
  });
  const args = ["deploy", "--dry-run", "--outdir", "out"];
  run(process.execPath, [bin("wrangler/bin/wrangler.js"), ...args], { cwd: project });
  const miniflare = new Miniflare({
    modules: true,
    modulesRoot: path.join(project, "out"),
    scriptPath: path.join(project, "out/index.js"),
    modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
    compatibilityDate: "2026-07-01",
    bindings: { VTRYON_WEBHOOK_SECRET: "whsec_test" },
    cf: false,
  });
  t.after(() => miniflare.dispose());
  const body = '{"event":"generation.status_changed","task_id":"task_1","status":"queued"}';
  for (const [secret, status] of [
    ["whsec_test", 200],
    ["whsec_other", 401],
  ]) {
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    const init = { method: "POST", body, headers: { "x-vtryon-signature": signature } };
    const answer = await miniflare.dispatchFetch("https://shop.example/webhooks/vtryon", init);
    assert.equal(answer.status, status, await answer.text());
  }
});

for (const condition of ["workerd", "edge-light"]) {
  // Of CommonJS, the core is bytes, which these runtimes may not compile.
  test(`with the condition ${condition}, what is required is the ES modules too`, async () => {
    const { metafile } = await build({
      stdin: {
        contents: names.map((name) => `require("${name}");`).join("\n"),
        resolveDir: PACKAGE,
      },
      conditions: [condition],
      bundle: true,
      write: false,
      metafile: true,
      platform: "neutral",
      external: ["*.wasm", "*.wasm?module", "node:*"],
      logLevel: "silent",
    });
    const inputs = Object.keys(metafile.inputs);
    assert.ok(inputs.some((input) => input.endsWith("dist/esm/index.js")));
    assert.deepEqual(
      inputs.filter((input) => input.includes("dist/cjs/")),
      [],
    );
  });
}

test("a Worker bundled without the condition workerd reports that", async (t) => {
  const project = packed.project("unbundled", {
    "package.json": '{ "type": "module" }',
    "index.js": `
import { verify } from "vtryon-webhooks";
import { vtryonWebhooks } from "vtryon-webhooks/web";
const faults = [];
const onError = (fault) => faults.push(fault);
export default {
  async fetch(request) {
    const statuses = [];
    for (const secrets of ["whsec_test", () => "whsec_test"]) {
      const receive = vtryonWebhooks({ secrets, onEvent() {}, onError });
      statuses.push((await receive(request)).status);
    }
    try {
      verify("{}", "0".repeat(64), "whsec_test");
    } catch ({ code, message, hint }) {
      return Response.json({ statuses, faults, code, message, hint });
    }
  },
};`,
  });
  const outfile = path.join(project, "out.js");
  await build({
    entryPoints: [path.join(project, "index.js")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    logLevel: "silent",
  });
  const miniflare = new Miniflare({
    modules: true,
    modulesRoot: project,
    scriptPath: outfile,
    compatibilityDate: "2026-07-01",
    cf: false,
  });
  t.after(() => miniflare.dispose());
  const answer = await miniflare.dispatchFetch("https://shop.example/", { method: "POST" });
  const { statuses, faults, code, message, hint } = await answer.json();
  assert.deepEqual([statuses, code], [[503, 503], "unavailable"]);
  assert.equal(message, "this runtime may not compile WebAssembly");
  assert.match(hint, /condition `workerd`.*--conditions=workerd.*`edge-light`/);
  assert.deepEqual(
    faults.map(({ hint }) => hint),
    [hint, hint],
  );
});

// As in jsdom, whose window has neither; and as in a runtime that has none anywhere.
for (const [name, more, printed] of [
  ["where Node has it in node:util", "", PRINTED],
  [
    "nor a module that has it",
    "process.getBuiltinModule = undefined;",
    "unavailable this runtime has no TextEncoder or no TextDecoder\n",
  ],
]) {
  for (const [runtime, [command]] of Object.entries(RUNTIMES)) {
    if (!runtime.startsWith("Node")) continue;
    const skip = skipWithoutRuntime(command);
    test(`it can be imported without a global TextEncoder, ${name}: ${runtime}`, { skip }, () => {
      const folder = `codecs-${runtime.replace(" ", "")}-${more.length}`;
      const project = packed.project(folder, {
        "package.json": "{}",
        "index.mjs": `
delete globalThis.TextEncoder;
delete globalThis.TextDecoder;
${more}
const { verify, VtryonWebhooks, WebhookError } = await import("vtryon-webhooks");
const { sign } = await import("vtryon-webhooks/testing");
for (const name of ${JSON.stringify(names)}) await import(name);
try {${PROGRAM}} catch (error) {
  console.log(error.code, error.message);
}`,
      });
      assert.equal(run(command, ["index.mjs"], { cwd: project }), printed);
    });
  }
}

test("each entry exports its public API and nothing else", async () => {
  const adapter = ["vtryonWebhooks"];
  const should = {
    "vtryon-webhooks": [
      "VtryonWebhooks",
      "WebhookError",
      "constructEvent",
      "hasStatus",
      "lifecycleStep",
      "verify",
    ],
    "vtryon-webhooks/express": ["captureRawBody", ...adapter],
    "vtryon-webhooks/fastify": adapter,
    "vtryon-webhooks/hono": adapter,
    "vtryon-webhooks/node": adapter,
    "vtryon-webhooks/web": adapter,
    "vtryon-webhooks/stores": ["MemoryStore", "PostgresStore", "SqliteStore", "schema"],
    "vtryon-webhooks/testing": [
      "checkEndpoint",
      "eventBody",
      "events",
      "hostileRequests",
      "kinds",
      "lifecycle",
      "sign",
      "signedRequest",
      "statuses",
    ],
  };
  const has = names.map(async (name) => [name, Object.keys(await import(name)).sort()]);
  assert.deepEqual(Object.fromEntries(await Promise.all(has)), should);
});
