// The page on leaked secrets: each replacement ends what it says, and its lines find what an attacker has done.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { block } from "../../pages.js";
import { bearer } from "../support/api/caller.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery } from "../support/deliveries.js";
import { event, Gateway, SECRET, sign, TOKEN, until } from "../support/gateway.js";
import { mint, TICKET_TOKEN } from "../support/live/ticket-office.js";

const NEW = {
  secret: "whsec_after_the_leak",
  token: "admin-token-after-the-leak-0123456789",
  ticketToken: "ticket-token-after-the-leak-012345678",
  masterKey: "1e".repeat(32),
};

let gateway;
let backend;
let token = TOKEN;
before(async () => {
  gateway = await Gateway.start({ bindings: { GATEWAY_TICKET_TOKEN: TICKET_TOKEN } });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const environment = (more) => ({ ...process.env, URL: gateway.url, TOKEN: token, ...more });

/** Runs a block of the page, and returns what it prints as JSON. */
async function run(mark, more = {}) {
  const args = ["-euo", "pipefail", "-c", block(mark)];
  const { stdout } = await promisify(execFile)("bash", args, { env: environment(more) });
  return stdout === "" ? undefined : JSON.parse(stdout);
}

/** Runs a block that goes on, until it has printed something; returns that. */
async function firstLine(t, mark, more) {
  const options = { env: environment(more), stdio: ["ignore", "pipe", "ignore"], detached: true };
  const child = spawn("bash", ["-c", block(mark)], options);
  t.after(() => process.kill(-child.pid, "SIGKILL"));
  let printed = "";
  child.stdout.on("data", (text) => {
    printed += text;
  });
  return until(() => printed.includes("\n") && printed.split("\n")[0]);
}

/** Sets secrets, as a deployment does. */
async function set(bindings) {
  await gateway.halt();
  await gateway.restart(bindings);
}

const status = async (path, headers) => (await fetch(gateway.url + path, { headers })).status;

test("Vtryon's secret: nothing is accepted by it any more, and what it has signed is found", async (t) => {
  const forged = event("task_forged", "completed");
  await acknowledged(gateway, forged);
  const key = (await gateway.api("/api/tasks/task_forged")).body.events[0].key;
  const remembers = async (state) => {
    const { secrets } = await run("leaked-fingerprint");
    return secrets.some((secret) => secret.state === state && secret.fingerprint === key);
  };
  await until(() => remembers("current"));
  await set({ VTRYON_WEBHOOK_SECRET: NEW.secret, VTRYON_WEBHOOK_SECRET_PREVIOUS: "" });
  assert.equal((await gateway.post(event("task_later", "queued"))).status, 401);
  const genuine = event("task_genuine", "queued");
  assert.equal((await gateway.post(genuine, { signature: sign(genuine, NEW.secret) })).status, 200);

  await until(() => remembers("former"));
  const line = await firstLine(t, "leaked-events", { FINGERPRINT: key });
  assert.match(line, /"task_id":"task_forged"/);
});

test("the admin token: it and its sessions end, and an attacker's endpoint is found and deleted", async () => {
  const opened = await fetch(`${gateway.url}/api/session`, {
    method: "POST",
    headers: bearer(TOKEN),
  });
  const session = { cookie: opened.headers.get("set-cookie").split(";")[0] };
  assert.equal(await status("/api/tasks", session), 200);
  const { id: ENDPOINT } = await gateway.register(backend.url);
  const body = event("task_read", "queued");
  assert.equal((await gateway.post(body, { signature: sign(body, NEW.secret) })).status, 200);
  await delivery(gateway, { task_id: "task_read" });

  await set({ GATEWAY_ADMIN_TOKEN: NEW.token });
  token = NEW.token;
  assert.equal(await status("/api/tasks", bearer(TOKEN)), 401);
  assert.equal(await status("/api/tasks", session), 401);
  const { endpoints } = await run("leaked-endpoints");
  assert.deepEqual(
    endpoints.map(({ id, url }) => [id, url]),
    [[ENDPOINT, backend.url]],
  );
  const { deliveries } = await run("leaked-deliveries", { ENDPOINT });
  assert.deepEqual(
    deliveries.map(({ task_id }) => task_id),
    ["task_read"],
  );
  await run("leaked-delete", { ENDPOINT });
  assert.deepEqual((await run("leaked-endpoints")).endpoints, []);
});

test("the ticket token: no more tickets by it; those made before stay valid until the master key changes", async () => {
  const made = await mint(gateway, { task_id: "task_genuine" }, bearer(TICKET_TOKEN));
  const path = `/api/tasks/task_genuine/live?ticket=${made.body.ticket}`;
  await set({ GATEWAY_TICKET_TOKEN: NEW.ticketToken });
  const refused = await mint(gateway, { task_id: "task_genuine" }, bearer(TICKET_TOKEN));
  assert.equal(refused.status, 401);
  assert.equal(await status(path, { accept: "text/event-stream" }), 200);
  await set({ GATEWAY_MASTER_KEY: NEW.masterKey });
  assert.equal(await status(path, { accept: "text/event-stream" }), 401);
});

test("the master key and an endpoint's secret: a rotation without overlap leaves the new secret alone", async () => {
  const headers = bearer(token);
  const json = { url: backend.url };
  const { body: endpoint } = await gateway.api("/api/endpoints", { json, headers });
  await set({ GATEWAY_MASTER_KEY: "2d".repeat(32) });
  const { endpoints } = await run("leaked-endpoints");
  assert.match(endpoints[0].problem, /GATEWAY_MASTER_KEY/);

  const rotated = await run("leaked-rotate", { ENDPOINT: endpoint.id });
  assert.deepEqual([rotated.problem, rotated.secrets.length], [null, 1]);
  const body = event("task_after", "queued");
  assert.equal((await gateway.post(body, { signature: sign(body, NEW.secret) })).status, 200);
  const sent = await until(() => backend.received.find(({ body: text }) => String(text) === body));
  assert.equal(sent.headers["x-vtryon-signature"], sign(body, rotated.secret));
  assert.equal(sent.headers["webhook-signature"].split(" ").length, 1);
});

test("what is signed by the leaked secret of Vtryon's is refused to the end", async () => {
  const body = event("task_later", "queued");
  assert.equal((await gateway.post(body, { signature: sign(body, SECRET) })).status, 401);
});
