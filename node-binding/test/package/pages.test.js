// What the pages show of the package works as it stands: their blocks are run, their tables compared.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { Webhook } from "standardwebhooks";
import { block, codesFrom, PAGES, read } from "../../../tests/pages.js";
import { freePort } from "../../../tests/support/free-port.js";
import { emitted, until } from "../../../tests/support/wait.js";
import { skip as skipPostgres, startPostgres } from "../stores/support/postgres-server.js";
import { BODY, post, SECRET, sign } from "../support/completed-event.js";
import { FakeGateway, TOKEN } from "../support/fake-gateway.js";
import { Packed, ROOT, run } from "../support/packed-package.js";

const bin = (name) => path.join(ROOT, "node_modules", name);
const packed = new Packed();
after(() => packed.remove());

/** The marks of all blocks of JavaScript. */
const marks = PAGES.flatMap((page) =>
  [...read(page).matchAll(/<!-- tested: ([\w-]+) -->\n```js\n/g)].map(([, mark]) => mark),
);
const given = `const [body, signature] = [${JSON.stringify(BODY)}, "${sign(BODY)}"];
const [secret, previousSecret, url] = ["${SECRET}", "whsec_previous", process.env.URL];
let handler;
`;
const inWords = {
  verify: (lines) => `${given}${lines}console.log(event.task_id);`,
  lifecycle: (lines) => lines,
  testing: (lines) => `${given}
import { vtryonWebhooks } from "vtryon-webhooks/web";
handler = vtryonWebhooks({ secrets: secret, onEvent: () => {} });
${lines}
if (!report.ok) console.log(report.results.filter((result) => !result.ok));
console.log(response.status, report.ok);`,
};
const project = packed.project(
  "readme",
  {
    "package.json": '{ "type": "module" }',
    ...Object.fromEntries(
      marks.map((mark) => [`${mark}/index.js`, (inWords[mark] ?? ((lines) => lines))(block(mark))]),
    ),
  },
  ["express", "fastify", "hono", "@hono/node-server", "pg"],
);

/** Runs the lines under a mark until the test ends, and waits until they answer. */
function serve(t, mark, runtime = "node", secret = SECRET) {
  const [command, ...args] = {
    node: [process.execPath],
    // The permissions that the page names.
    deno: [bin("deno-linux-x64/deno"), "run", "--allow-net", "--allow-env"],
    bun: [bin("bun-linux-x64/bin/bun")],
  }[runtime];
  const cwd = path.join(project, mark);
  return listening(t, command, [...args, "index.js"], cwd, { VTRYON_WEBHOOK_SECRET: secret });
}

const PRELOAD = pathToFileURL(
  path.join(import.meta.dirname, "../support/listen-on-other-port.mjs"),
).href;

/** Runs a command until the test ends, and waits until it answers on a port that is free. */
async function listening(t, command, args, cwd, more = {}) {
  const port = await freePort();
  const child = spawn(command, args, {
    cwd,
    // A shell runs what it is given in a process of its own.
    detached: true,
    env: {
      ...process.env,
      ...more,
      NODE_OPTIONS: `--import ${PRELOAD}`,
      OTHER_PORT: port,
      BUN_PORT: port,
      DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
    },
  });
  const printed = [];
  child.stdout.on("data", (text) => printed.push(String(text)));
  child.stderr.on("data", (text) => printed.push(String(text)));
  t.after(() => process.kill(-child.pid, "SIGKILL"));
  const url = `http://127.0.0.1:${port}/webhooks/vtryon`;
  await until(() => {
    assert.equal(child.exitCode, null, printed.join(""));
    return fetch(url).catch(() => undefined);
  });
  return { url, printed };
}

/** Those that are run in another way than as a server. */
const OTHERS = [
  "verify",
  "lifecycle",
  "next",
  "next-pages",
  "cloud-function",
  "workers",
  "testing",
  "gateway",
  "namespaces",
  "postgres",
  "postgres-transaction",
  // It follows a gateway: tests/edge runs it.
  "live-socket",
];
const SERVERS = marks.filter((mark) => !OTHERS.includes(mark));
for (const mark of SERVERS) {
  const runtime = ["deno", "bun"].includes(mark) ? mark : "node";
  // Their binaries come for Linux on x64 only.
  const skip = runtime !== "node" && (process.platform !== "linux" || process.arch !== "x64");
  test(`the example ${mark} receives events`, { skip }, async (t) => {
    const { url, printed } = await serve(t, mark, runtime);
    assert.equal((await post(url, "whsec_other")).status, 401);
    for (let times = 0; times < 2; times += 1) assert.equal((await post(url)).status, 200);
    if (mark === "transaction") {
      const rows = new DatabaseSync(path.join(project, mark, "shop.db")).prepare(
        "SELECT * FROM looks",
      );
      assert.equal(rows.all().length, 1);
    } else {
      await until(() => printed.join("").includes("task_1"));
    }
  });
}

for (const mark of ["transaction", "store"]) {
  test(`the example ${mark} waits for another process that writes`, async (t) => {
    const { url } = await serve(t, mark);
    const other = new DatabaseSync(path.join(project, mark, "shop.db"));
    t.after(() => other.close());
    other.exec("BEGIN IMMEDIATE");
    const answer = post(url);
    await setTimeout(300);
    other.exec("COMMIT");
    assert.equal((await answer).status, 200);
  });
}

test("of the example namespaces, each receiver handles each event once", async (t) => {
  const { url, printed } = await serve(t, "namespaces");
  for (const name of ["mail", "billing", "mail", "billing"]) {
    assert.equal((await post(new URL(name, url))).status, 200);
  }
  const handled = () => printed.join("").match(/^\w+ task_1 completed$/gm) ?? [];
  await until(() => handled().length >= 2);
  assert.deepEqual(handled(), ["mail task_1 completed", "billing task_1 completed"]);
});

/** Starts an example with a PostgreSQL of its own; returns how tests connect to that too. */
async function serveWithPostgres(t, name) {
  const { connection, stop } = await startPostgres();
  t.after(stop);
  const { host: PGHOST, user: PGUSER, database: PGDATABASE } = connection;
  const served = await listening(t, process.execPath, ["index.js"], path.join(project, name), {
    VTRYON_WEBHOOK_SECRET: SECRET,
    PGHOST,
    PGUSER,
    PGDATABASE,
    PGAPPNAME: "receiver",
  });
  return { connection, ...served };
}

test("the example postgres lives on when its idle connections break", {
  skip: skipPostgres,
}, async (t) => {
  const { connection, url, printed } = await serveWithPostgres(t, "postgres");
  const client = new pg.Client(connection);
  await client.connect();
  assert.equal((await post(url)).status, 200);
  const { rowCount } = await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'receiver'",
  );
  await client.end();
  assert.ok(rowCount > 0);
  await until(() => printed.join("").includes("terminating connection"));
  assert.equal((await post(url)).status, 200);
  assert.equal(printed.join("").match(/task_1 completed/g).length, 1);
});

test("the example postgres-transaction answers 503 if the commit fails, and lives on", {
  skip: skipPostgres,
}, async (t) => {
  const { connection, url } = await serveWithPostgres(t, "postgres-transaction");
  const client = new pg.Client(connection);
  await client.connect();
  const looks = async () => (await client.query("SELECT task FROM looks")).rows.length;
  // The connection ends at the commit, when deferred triggers run.
  await client.query(`CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER leave AFTER INSERT ON looks DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION leave()`);
  assert.equal((await post(url)).status, 503);
  assert.equal(await looks(), 0);
  await client.query("DROP TRIGGER leave ON looks");
  for (let times = 0; times < 2; times += 1) assert.equal((await post(url)).status, 200);
  assert.equal(await looks(), 1);
  await client.end();
});

test("the example gateway receives messages", async (t) => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const { url, printed } = await serve(t, "gateway", "node", secret);
  const at = new Date();
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("msg_1", at, BODY),
  };
  const send = (headers) => fetch(url, { method: "POST", headers, body: BODY });
  assert.equal((await post(url)).status, 401);
  assert.equal((await send({ ...headers, "webhook-id": "msg_2" })).status, 401);
  assert.equal((await send(headers)).status, 200);
  await until(() => printed.join("").includes("msg_1 task_1"));
});

test("the examples of functions work", async () => {
  process.env.VTRYON_WEBHOOK_SECRET = SECRET;
  const request = () =>
    new Request("https://shop.example/webhooks/vtryon", {
      method: "POST",
      body: BODY,
      headers: { "x-vtryon-signature": sign(BODY) },
    });
  const load = (mark) => import(pathToFileURL(path.join(project, mark, "index.js")));
  assert.equal((await (await load("next")).POST(request())).status, 200);
  const { handler } = await load("cloud-function");
  const headers = { "X-Vtryon-Signature": sign(BODY) };
  const base64 = Buffer.from(BODY).toString("base64");
  assert.equal((await handler({ headers, body: BODY })).statusCode, 200);
  assert.equal((await handler({ headers, body: base64, isBase64Encoded: true })).statusCode, 200);
  assert.equal((await handler({ headers, body: base64 })).statusCode, 401);
  assert.equal((await handler({ headers: {} })).statusCode, 401);
  const worker = (await load("workers")).default;
  assert.equal((await worker.fetch(request(), { VTRYON_WEBHOOK_SECRET: SECRET })).status, 200);
});

for (const [mark, printed] of [
  ["verify", "task_1\n"],
  ["lifecycle", "late completed\n"],
]) {
  test(`the example ${mark} works`, () => {
    const options = { cwd: project, encoding: "utf8" };
    assert.equal(execFileSync(process.execPath, [`${mark}/index.js`], options), printed);
  });
}

test("the examples of testing work, in a program and in a shell", async (t) => {
  const { url } = await serve(t, "node");
  const env = { ...process.env, URL: url };
  const options = { cwd: project, encoding: "utf8", env };
  assert.equal(execFileSync(process.execPath, ["testing/index.js"], options), "200 true\n");
  const example = await serve(t, "node", "node", "whsec_example");
  const lines = block("cli").replaceAll("http://localhost:3000/webhooks/vtryon", example.url);
  const printed = execFileSync("bash", ["-euo", "pipefail", "-c", lines], options);
  assert.match(printed, /signature/);
});

/** Runs lines of a page in a shell, with the URL of a server in the place of the one shown, and returns what they print. */
async function shell(lines, url, options) {
  const script = lines.replaceAll("http://localhost:3000/webhooks/vtryon", url);
  const bash = ["-euo", "pipefail", "-c", script];
  return (await promisify(execFile)("bash", bash, options)).stdout;
}

test("from nothing to a receiver: the lines of the page work one after the other", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-start-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const clone = path.join(folder, "vtryon-webhooks");
  mkdirSync(clone);
  const lines = (mark) => block(`receive-node-${mark}`);
  // `make npm` has run before the tests, and they have no registry: the tarball is real, Express is this tree's.
  const bash = ["-euo", "pipefail", "-c"];
  assert.match(lines("pack"), /^make npm\n/);
  execFileSync("bash", [...bash, lines("pack").replace("make npm\n", "")], {
    cwd: ROOT,
    stdio: "ignore",
    env: { ...process.env, npm_config_pack_destination: clone },
  });
  assert.match(lines("install"), /npm install express /);
  execFileSync("bash", [...bash, lines("install").replace("install express ", "install ")], {
    cwd: clone,
    stdio: "ignore",
    env: { ...process.env, npm_config_offline: "true" },
  });
  const receiver = path.join(folder, "receiver");
  symlinkSync(path.join(ROOT, "node_modules/express"), path.join(receiver, "node_modules/express"));
  writeFileSync(path.join(receiver, "receive.mjs"), block("receive-node"));
  const { url, printed } = await listening(t, "bash", [...bash, lines("start")], receiver);
  const options = { cwd: receiver };
  assert.match(await shell(lines("send"), url, options), /3 of 3 events accepted/);
  await until(() => printed.join("").endsWith(lines("lines")));
  const env = { ...process.env, VTRYON_WEBHOOK_SECRET: "whsec_example" };
  const [, promised] = /`(all \d+ cases passed)`/.exec(read("docs/start/receive-node.md"));
  const said = await shell(lines("doctor"), url, { ...options, env, maxBuffer: 2 ** 24 });
  assert.ok(said.includes(promised), said);
  // The page of Python runs the command in the clone.
  const python = block("receive-python-doctor").replace(
    "http://127.0.0.1:8000/webhooks/vtryon",
    `${url} --only good`,
  );
  assert.match(await shell(python, url, { cwd: ROOT }), /all 1 cases passed/);
});

test("the doctor prints what its page shows", async (t) => {
  const { url } = await serve(t, "node", "node", "whsec_example");
  const options = { cwd: project, maxBuffer: 2 ** 24 };
  // The numbers of bytes are those of the names of tasks.
  const shape = (text) => text.replace(/\d+ B +/g, "B ").replace(/ +/g, " ");
  const printed = await shell(block("doctor"), url, options);
  assert.ok(shape(printed).startsWith(shape(block("doctor-lines"))), printed);
  const env = { ...process.env, VTRYON_WEBHOOK_SECRET: "whsec_example" };
  const [two, json] = block("doctor-only").trim().split("\n");
  assert.match(await shell(two, url, { ...options, env }), /all 2 cases passed/);
  assert.equal(JSON.parse(await shell(json, url, { ...options, env })).ok, true);
});

test("the commands of the package's README work", async (t) => {
  const { url } = await serve(t, "express");
  const env = { ...process.env, VTRYON_WEBHOOK_SECRET: SECRET };
  const options = { cwd: project, env, maxBuffer: 2 ** 24 };
  assert.match(await shell(block("npm-readme-commands"), url, options), /all \d+ cases passed/);
});

test("the READMEs of the packages fit a registry's page, which has no files beside it", () => {
  for (const folder of ["core", "edge-worker/npm", "node-binding", "python"]) {
    const readme = read(`${folder}/README.md`);
    assert.ok(readme.split("\n").length <= 81, `${folder}: 80 lines`);
    for (const [, target] of readme.matchAll(/\]\(([^)]+)\)/g)) assert.match(target, /^https:\/\//);
  }
});

test("the example of listen works and prints what the page shows", async (t) => {
  const gateway = await FakeGateway.start(1);
  t.after(() => gateway.down());
  const answers = [200, 500, 200];
  const backend = createHttpServer((request, response) => {
    request.resume().on("end", () => response.writeHead(answers.shift()).end());
  }).listen(0, "127.0.0.1");
  await emitted(backend, "listening");
  t.after(() => backend.close());
  const url = `http://127.0.0.1:${backend.address().port}/`;
  const lines = block("listen")
    .replace("…", TOKEN)
    .replace("http://localhost:3000/webhooks/vtryon", url);
  const env = { ...process.env, VTRYON_GATEWAY_URL: gateway.url, XDG_STATE_HOME: project };
  const listener = spawn("bash", ["-euo", "pipefail", "-c", lines], {
    cwd: project,
    env,
    detached: true,
  });
  // npx runs it in a process of its own.
  t.after(() => process.kill(-listener.pid, "SIGKILL"));
  let printed = "";
  for (const stream of [listener.stdout, listener.stderr]) {
    stream.on("data", (text) => {
      printed += text;
    });
  }
  await until(() => {
    assert.equal(listener.exitCode, null, printed);
    return printed.includes("listening\n");
  });
  gateway.event("task_123", "queued");
  gateway.replay(gateway.event("task_123", "processing"));
  const timeless = (text) => text.replace(/^\d\S+ \S+ {2}/gm, "");
  await until(() => /\(replay\).*\n/.test(printed));
  assert.ok(timeless(printed).includes(timeless(block("listen-lines"))), printed);
});

test("the codes that the page says npm gives are those of the type, with the core's statuses", () => {
  const codes = execFileSync(path.join(ROOT, "target/debug/verdict"), ["--codes"], {
    encoding: "utf8",
  });
  const core = codes
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const statuses = new Map(core.map(({ code, status }) => [code, status]));
  const documented = codesFrom("npm");
  for (const { code, status } of documented) assert.equal(status, statuses.get(code), code);
  const union = documented.map(({ code }) => JSON.stringify(code)).join(" | ");
  const project = packed.project("codes", {
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: "nodenext",
        target: "es2022",
        types: [],
      },
    }),
    "index.ts": `import type { ErrorCode } from "vtryon-webhooks";
type Documented = ${union};
export const typed = (code: Documented): ErrorCode => code;
export const documented = (code: ErrorCode): Documented => code;
`,
  });
  run(bin(".bin/tsc"), ["-p", project]);
});
