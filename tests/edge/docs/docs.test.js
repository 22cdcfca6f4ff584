// What the pages show of the gateway is true: their lines are run, their tables compared.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { example } from "../../../edge-worker/npm/lib/local/example.js";
import { block, PAGES, read, rows } from "../../pages.js";
import { DOCUMENT, OPERATIONS } from "../support/api/document.js";
import { Backend } from "../support/backends/backend.js";
import { event, Gateway, SECRET, sign, TOKEN, until } from "../support/gateway.js";
import { TICKET_TOKEN } from "../support/live/tickets.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { GATEWAY_TICKET_TOKEN: TICKET_TOKEN } });
});
after(() => gateway.stop());

/** A task with its times and its key replaced, for they are those of the moment. */
function shape(task) {
  return JSON.parse(
    JSON.stringify(task, (name, value) => (/_at$|^key$/.test(name) ? typeof value : value)),
  );
}

/** Runs a block of a page in a shell that knows the gateway, and returns what it prints. */
async function run(mark, more = {}, lines = block(mark)) {
  const env = { ...process.env, URL: gateway.url, SECRET, TOKEN, TICKET_TOKEN, ...more };
  const bash = ["-euo", "pipefail", "-c", lines];
  return (await promisify(execFile)("bash", bash, { env })).stdout;
}

/** Returns the objects that the lines of a block print. */
async function runJson(mark, more, lines) {
  const printed = await run(mark, more, lines);
  return printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("the lines to try it with work as they stand", async () => {
  const [first, task] = (await run("try")).split(/(?<=^\{"received":true\})/);
  assert.equal(first, '{"received":true}');
  assert.deepEqual(shape(JSON.parse(task)), shape(JSON.parse(block("task"))));
});

test("the lines to deliver with work as they stand", async (t) => {
  const backend = await Backend.start();
  t.after(() => backend.stop());
  const lines = (await run("deliver", { BACKEND: backend.url })).trim().split("\n");
  const [endpoint, received, { deliveries }] = lines.map((line) => JSON.parse(line));
  assert.match(endpoint.secret, /^whsec_/);
  assert.deepEqual(received, { received: true });
  assert.deepEqual(
    deliveries.map(({ endpoint, task_id, status }) => [endpoint, task_id, status]),
    [[endpoint.id, "task_456", "queued"]],
  );
  const [{ headers, body }] = await until(() => backend.received.length > 0 && backend.received);
  assert.equal(headers["x-vtryon-signature"], sign(body, endpoint.secret));
  const [, page] = read("docs/reference/deliveries.md").split("\n## Headers of a delivery\n");
  const [table] = /\| header \|[\s\S]*?\n\n/.exec(page);
  const cells = [...table.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell.replaceAll("`", ""));
  const shown = cells.flatMap((cell) => cell.split(", "));
  for (const name of shown) assert.ok(headers[name], `${name} is shown, but not sent`);
  for (const name of Object.keys(headers).filter((name) => /^(x-vtryon|webhook)-/.test(name))) {
    assert.ok(shown.includes(name), `${name} is sent, but not shown`);
  }
});

test("the line that makes a ticket works as it stands", async () => {
  const { ticket } = JSON.parse(await run("ticket"));
  const headers = { accept: "text/event-stream" };
  const path = `/api/tasks/task_123/live?ticket=${ticket}`;
  assert.equal((await fetch(gateway.url + path, { headers })).status, 200);
});

test("the lines for tokens and the audit trail work as they stand", async () => {
  const [{ id, token }] = await runJson("tokens-create");
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await fetch(`${gateway.url}/api/metrics`, { headers })).status, 200);
  const [{ tokens }, revoked] = await runJson("tokens-revoke", { TOKEN_ID: id });
  assert.deepEqual([tokens[0].id, revoked.id], [id, id]);
  const [{ records }] = await runJson("tokens-audit");
  assert.deepEqual(
    records.slice(0, 2).map(({ target }) => target),
    [id, id],
  );
});

/** Runs a program until it has printed something, and returns that. */
async function firstLines(t, command, args, isEnough) {
  const env = { ...process.env, URL: gateway.url, TOKEN };
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  t.after(() => process.kill(-child.pid, "SIGKILL"));
  const printed = [];
  child.stdout.on("data", (text) => printed.push(String(text)));
  child.stderr.on("data", (text) => printed.push(String(text)));
  return until(() => {
    assert.equal(child.exitCode, null, printed.join(""));
    return isEnough(printed.join("")) && printed.join("");
  });
}

test("the line that shows events as they are stored works as it stands", async (t) => {
  const isReady = (printed) => printed.includes('"type":"ready"');
  const printed = await firstLines(t, "bash", ["-c", block("live-events")], isReady);
  assert.match(printed, /^id: \S+\ndata: \{/m);
});

test("the program that follows a stream prints what is stored", async (t) => {
  const args = ["--input-type=module", "--eval", block("live-socket")];
  let posted = 0;
  // It is not said when the program has its first message, after which it misses nothing.
  const post = setInterval(() => gateway.post(event(`task_live_${posted++}`, "queued")), 200);
  t.after(() => clearInterval(post));
  const isShown = (printed) => printed.includes("\n");
  const printed = await firstLines(t, process.execPath, args, isShown);
  assert.match(printed, /^task_live_\d+ queued\n/);
});

test("a start on this machine prints what its page shows", () => {
  const secrets = { VTRYON_WEBHOOK_SECRET: "1f0c…", GATEWAY_ADMIN_TOKEN: "9a3e…" };
  const printed = example("http://127.0.0.1:8787", secrets);
  assert.ok(printed.trimStart().startsWith(block("local-prints")), printed);
});

test("the first delivery on this machine works as it stands", async (t) => {
  const backend = await Backend.start();
  t.after(() => backend.stop());
  const url = backend.url.replace("127.0.0.1", "localhost");
  const register = block("local-register").replace("http://localhost:3000/webhooks/vtryon", url);
  const [endpoint] = await runJson("local-register", {}, register);
  assert.deepEqual([endpoint.url, /^whsec_/.test(endpoint.secret)], [url, true]);
  // On a gateway that is new, the endpoint is the first one.
  const lines = block("local-test-event").replace("ep_1", endpoint.id);
  const [delivery] = await runJson("local-test-event", {}, lines);
  assert.deepEqual([delivery.state, backend.received.length], ["delivered", 1]);
});

test("what came before the first endpoint is delivered as the page shows", async (t) => {
  assert.equal((await gateway.post(event("task_early", "queued"))).status, 200);
  const backend = await Backend.start();
  t.after(() => backend.stop());
  const { id: ENDPOINT, created_at: CREATED_AT } = await gateway.register(backend.url);
  const ofTask = () => gateway.api(`/api/deliveries?task_id=task_early&endpoint=${ENDPOINT}`);
  assert.deepEqual((await ofTask()).body.deliveries, []);
  await run("migrate-replay", { ENDPOINT, CREATED_AT });
  await until(() => backend.bodies.some((body) => body.includes("task_early")));
});

test("the check of a deployment works as it stands", async () => {
  const [health, api] = await runJson("deploy-check");
  assert.deepEqual([health.status, api], ["ok", health]);
});

/** The names and the kinds of all values. */
const kinds = (value) =>
  JSON.parse(JSON.stringify(value, (_, each) => (Object(each) === each ? each : typeof each)));

test("the version of a gateway is told as its page shows", async () => {
  const [health] = await runJson("upgrade-version");
  assert.deepEqual(kinds(health), kinds(JSON.parse(block("upgrade-version-answer"))));
});

test("the table of metrics has those that are served, and no other", async () => {
  const types = (await run("monitoring-metrics")).matchAll(/^# TYPE (\w+) (\w+)$/gm);
  const shown = rows("docs/guides/monitoring.md", "## Metrics for Prometheus");
  assert.deepEqual(
    shown.filter(([name]) => name.startsWith("vtryon_")).map(([name, type]) => [name, type]),
    [...types].map(([, name, type]) => [name, type]),
  );
});

/** Blocks about an endpoint and its deliveries, run one after the other; each says what it prints. */
const BLOCKS = [
  {
    mark: "deliver-change",
    check: ([endpoint]) =>
      assert.deepEqual(
        [endpoint.statuses, endpoint.order, endpoint.timeout_seconds],
        [["completed", "failed"], "all", 20],
      ),
  },
  {
    mark: "deliver-headers",
    given: (env) => Object.assign(env, { CLIENT_ID: "1f.access", CLIENT_SECRET: "2e" }),
    check: ([{ headers }]) =>
      assert.deepEqual(headers, ["CF-Access-Client-Id", "CF-Access-Client-Secret"]),
  },
  {
    mark: "deliver-pause",
    check: async ([{ paused }], { ENDPOINT }) => {
      assert.equal(paused, true);
      const json = { paused: false };
      await gateway.api(`/api/endpoints/${ENDPOINT}`, { method: "PATCH", json });
    },
  },
  {
    mark: "deliver-limits",
    check: ([{ max_in_flight, attempts_per_second }]) =>
      assert.deepEqual([max_in_flight, attempts_per_second], [16, 50]),
  },
  { mark: "deliver-test-event", check: ([{ state }]) => assert.equal(state, "delivered") },
  { mark: "deliver-dead", check: ([{ deliveries }]) => assert.deepEqual(deliveries, []) },
  {
    mark: "replay-one",
    check: ([{ id, replay_count }], { DELIVERY }) =>
      assert.deepEqual([id, replay_count], [DELIVERY, 1]),
  },
  {
    mark: "replay-range",
    check: ([replay], env) => {
      assert.deepEqual([replay.endpoint, replay.which], [env.ENDPOINT, "dead"]);
      env.REPLAY = replay.replay_id;
    },
  },
  {
    mark: "replay-dry-run",
    check: ([{ dry_run, truncated }]) => assert.deepEqual([dry_run, truncated], [true, false]),
  },
  {
    mark: "replay-progress",
    check: ([{ replay_id, matched }], { REPLAY }) =>
      assert.deepEqual([replay_id, matched], [REPLAY, 0]),
  },
  {
    mark: "replay-cancel",
    check: ([{ cancelled, replay_id }], { REPLAY }) =>
      assert.deepEqual([cancelled, replay_id], [true, REPLAY]),
  },
  {
    mark: "rotation-endpoint",
    check: ([{ secret, secrets }]) =>
      assert.deepEqual([/^whsec_/.test(secret), secrets.length], [true, 2]),
  },
  { mark: "rotation-retire", check: ([{ secrets }]) => assert.equal(secrets.length, 1) },
  {
    mark: "deliver-enable",
    given: async (env) => {
      const path = `/api/endpoints/${env.ENDPOINT}`;
      const { body } = await gateway.api(path, { method: "PATCH", json: { enabled: false } });
      env.DISABLED_AT = body.disabled.at;
    },
    check: ([endpoint, replay], { DISABLED_AT }) =>
      assert.deepEqual([endpoint.enabled, replay.which, replay.from], [true, "all", DISABLED_AT]),
  },
  {
    mark: "alerts-register",
    check: ([{ id, secret, format }], env) => {
      assert.deepEqual([/^whsec_/.test(secret), format], [true, "standard"]);
      env.DESTINATION = id;
    },
  },
  {
    mark: "alerts-test",
    check: ([{ state, event }]) => assert.deepEqual([state, event], ["delivered", "gateway.test"]),
  },
  {
    mark: "alerts-slack",
    check: ([{ format, events }]) => assert.deepEqual([format, events.length], ["slack", 2]),
  },
  { mark: "alerts-list", check: ([{ destinations }]) => assert.equal(destinations.length, 2) },
  { mark: "monitoring-health", check: ([{ status }]) => assert.equal(status, "ok") },
  { mark: "monitoring-stats", check: ([{ minutes }]) => assert.equal(minutes, 15) },
  { mark: "monitoring-search", check: ([{ tasks }]) => assert.ok(Array.isArray(tasks)) },
  { mark: "monitoring-since", check: ([{ tasks }]) => assert.deepEqual(tasks, []) },
  { mark: "monitoring-stalled", check: ([{ tasks }]) => assert.deepEqual(tasks, []) },
  { mark: "monitoring-rejections", check: ([{ rejections }]) => assert.ok(rejections) },
];
test("the blocks of the guides work as they stand, one after the other", async (t) => {
  const backend = await Backend.start();
  t.after(() => backend.stop());
  const { id: ENDPOINT } = await gateway.register(backend.url);
  assert.equal((await gateway.post(event("task_guides", "queued"))).status, 200);
  const delivered = async () => {
    const path = `/api/deliveries?task_id=task_guides&endpoint=${ENDPOINT}`;
    const [delivery] = (await gateway.api(path)).body.deliveries;
    return delivery.state === "delivered" && delivery;
  };
  const { id: DELIVERY } = await until(delivered);
  const env = { ENDPOINT, DELIVERY, RECEIVER: backend.url, SLACK_URL: backend.url };
  for (const { mark, given, check } of BLOCKS) {
    await t.test(mark, async () => {
      await given?.(env);
      await check(await runJson(mark, env), env);
    });
  }
});

test("Vtryon's secrets are listed, and a former one is forgotten, as the page shows", async () => {
  const states = async () => {
    const [{ secrets }] = await runJson("rotation-secrets");
    return Object.fromEntries(secrets.map(({ state, fingerprint }) => [state, fingerprint]));
  };
  const before = await until(async () => {
    const now = await states();
    return now.previous && now;
  });
  assert.deepEqual(Object.keys(before).sort(), ["current", "previous"]);
  await gateway.halt();
  await gateway.restart({ VTRYON_WEBHOOK_SECRET_PREVIOUS: "" });
  const { former: FINGERPRINT } = await until(async () => {
    const now = await states();
    return now.former && now;
  });
  assert.equal(FINGERPRINT, before.previous);
  const [forgotten] = await runJson("rotation-forget", { FINGERPRINT });
  assert.equal(forgotten.fingerprint, FINGERPRINT);
  assert.deepEqual(Object.keys(await states()), ["current"]);
});

test("the table of the API has the operations of its document, and no other", () => {
  const shown = rows("docs/reference/api.md", "## Operations").map(([operation]) => operation);
  const documented = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(shown.sort(), documented.sort());
});

test("the table of alerts has those of the API's document", () => {
  const [, section] = read("docs/guides/alerts.md").split("\n## Which alerts there are\n");
  const [table] = section.split("\n\n- ");
  const named = [...table.matchAll(/`(gateway\.\w+)`/g)].map(([, name]) => name);
  assert.deepEqual(named.sort(), DOCUMENT.components.schemas.AlertName.enum.toSorted());
});

test("the table of outcomes is that of the vectors", () => {
  const [table] = /\| the task stands at [\s\S]*?\n\n/.exec(read("docs/explain/ordering.md"));
  const others = PAGES.filter((page) => page !== "docs/explain/ordering.md");
  assert.deepEqual(
    others.filter((page) => read(page).includes("| the task stands at ")),
    [],
    "pages with a copy of the table",
  );
  const [head, , ...rows] = table
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const shown = rows.flatMap(([stands, ...cells]) =>
    cells.map((cell, place) => `${stands}, ${head[place + 1]}: ${cell}`),
  );
  const ofVectors = JSON.parse(read("tests/vectors/lifecycle.json"))
    .filter(
      ({ why, name }) =>
        why === "a row of the table" || (/^\w+ twice$/.test(name) && name !== "unknown twice"),
    )
    .map(
      ({ statuses, outcomes }) =>
        `${statuses.length === 1 ? "nothing yet" : statuses[0]}, ${statuses.at(-1)}: ${outcomes.at(-1)}`,
    );
  assert.deepEqual(ofVectors.sort(), shown.sort());
});

test("the pages name the targets that there are", () => {
  const targets = read("Makefile");
  for (const page of PAGES) {
    for (const [, name] of read(page).matchAll(/(?:^|`)make ([a-z-]+)/gm)) {
      assert.match(targets, new RegExp(`^${name}:`, "m"), `${page}: ${name}`);
    }
  }
});
