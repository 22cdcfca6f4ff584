// `make dev` as its user meets it: started, used, killed in every way, started again.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { end, processes } from "../../edge-worker/npm/lib/local/processes.js";
import { SECRET, TOKEN } from "../edge/support/gateway.js";
import { follow as followReadme, paste, startForeground } from "../support/foreground.js";
import { freePort } from "../support/free-port.js";
import { emitted } from "../support/wait.js";

const SCRIPT = path.resolve(import.meta.dirname, "../../scripts/dev.mjs");

let state;
before(async () => {
  state = await mkdtemp(path.join(tmpdir(), "vtryon-dev-"));
});
after(() => rm(state, { recursive: true, force: true }));

/** Starts the gateway; `ready` is its URL, or undefined when it ended before. The end of the test ends it. */
async function start(t, { port, variables = {} } = {}) {
  t.after(endAll);
  const env = {
    ...process.env,
    PORT: String(port ?? (await freePort())),
    STATE_DIR: state,
    VTRYON_WEBHOOK_SECRET: SECRET,
    GATEWAY_ADMIN_TOKEN: TOKEN,
    GATEWAY_MASTER_KEY: "0f".repeat(32),
    ...variables,
  };
  return startForeground(process.execPath, [SCRIPT], { env });
}

/** The processes that a running gateway has written down: the one that supervises, and its children. */
const written = () => JSON.parse(readFileSync(path.join(state, "lock"), "utf8"));

/** The children of a running gateway, by name. */
function children() {
  const table = processes();
  return written()
    .children.map(({ pid }) => table.get(pid))
    .filter(Boolean);
}

/** Ends what a failed test has left running. */
async function endAll() {
  if (!existsSync(path.join(state, "lock"))) return;
  const { supervisor, children } = written();
  await end([supervisor, ...children]);
}

/** Runs the lines of the README against a gateway, and returns the task that they read. */
const follow = (url) => followReadme({ ...process.env, URL: url, SECRET, TOKEN });

/** [who is killed, its processes] */
const DEATHS = [
  ["the supervisor", (dev) => [dev.child]],
  ["wrangler", (dev) => children().filter(({ ppid }) => ppid === dev.child.pid)],
  ["workerd", () => children().filter(({ name }) => name.startsWith("workerd"))],
];
for (const [who, find] of DEATHS) {
  test(`kill -9 of ${who}: a new start works, and what was acknowledged is there`, async (t) => {
    const dev = await start(t);
    assert.ok(dev.ready, dev.err);
    const task = follow(dev.ready);
    assert.deepEqual([task.status, task.events.length], ["queued", 1]);
    const before = children();
    for (const { pid } of find(dev)) process.kill(pid, "SIGKILL");
    const { code, signal } = await dev.ended;
    // Whoever is left ends all, and says in one line what happened.
    if (who === "the supervisor") assert.equal(signal, "SIGKILL");
    else {
      assert.ok(code > 0, dev.err);
      await dev.says(/^error: .+$/m);
    }

    const again = await start(t);
    assert.ok(again.ready, again.err);
    const still = follow(again.ready);
    assert.deepEqual([still.status, still.events], ["queued", task.events]);
    const alive = processes();
    for (const { pid, start } of before)
      assert.notEqual(alive.get(pid)?.start, start, `process ${pid} was left`);
    again.child.kill("SIGTERM");
    await again.ended;
  });
}

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
]) {
  test(`${signal} ends every child`, async (t) => {
    const dev = await start(t);
    assert.ok(dev.ready, dev.err);
    const before = children();
    assert.ok(before.some(({ name }) => name.startsWith("workerd")));
    dev.child.kill(signal);
    assert.equal((await dev.ended).code, code);
    const alive = processes();
    for (const { pid, start } of before)
      assert.notEqual(alive.get(pid)?.start, start, `process ${pid} was left`);
  });
}

test("what it prints can be pasted", async (t) => {
  const dev = await start(t);
  assert.ok(dev.ready, dev.err);
  assert.match(paste(dev), /^\{"received":true\}\n\{"task_id":"task_123".*\}\n$/);
  assert.equal(dev.out.match(/^ready /gm).length, 1);
  dev.child.kill("SIGTERM");
  await dev.ended;
});

test("a token that is too short is refused before anything starts", async (t) => {
  const dev = await start(t, { variables: { GATEWAY_ADMIN_TOKEN: "x".repeat(31) } });
  assert.equal(dev.ready, undefined);
  assert.ok((await dev.ended).code > 0);
  const said = await dev.says(
    /^error: GATEWAY_ADMIN_TOKEN in the environment has fewer than 32 characters: .*openssl rand/m,
  );
  assert.doesNotMatch(said, /wrangler|xxxx/);
});

test("a port that is taken is said to be taken by whom", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await emitted(server, "listening");
  const dev = await start(t, { port: server.address().port });
  assert.equal(dev.ready, undefined);
  assert.ok((await dev.ended).code > 0);
  await dev.says(new RegExp(`^error: port ${server.address().port} .*\\b${process.pid}\\b`, "m"));
});

test("a second one on the same state is refused", async (t) => {
  const dev = await start(t);
  assert.ok(dev.ready, dev.err);
  const second = await start(t);
  assert.equal(second.ready, undefined);
  assert.ok((await second.ended).code > 0);
  await second.says(new RegExp(`^error: .*\\b${dev.child.pid}\\b`, "m"));
  assert.equal(follow(dev.ready).status, "queued");
  dev.child.kill("SIGTERM");
  await dev.ended;
});
