// The page on leaked secrets: each replacement ends what it says, and its lines find what an attacker has done.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { block } from "../../pages.js";
import { bearer } from "../support/api/caller.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery } from "../support/deliveries.js";
import { event, Gateway, SECRET, sign, TOKEN, until } from "../support/gateway.js";
import { mint, TICKET_TOKEN } from "../support/live/tickets.js";

const NEW = {
  secret: "whsec_after_the_leak",
  token: "admin-token-after-the-leak-0123456789",
  ticketToken: "ticket-token-after-the-leak-012345678",
  masterKey: "1e".repeat(32),
};

const PREVIOUS_TOKEN = "previous-admin-token-0123456789abcdef";

let gateway;
let backend;
let token = TOKEN;
before(async () => {
  const bindings = {
    GATEWAY_TICKET_TOKEN: TICKET_TOKEN,
    GATEWAY_ADMIN_TOKEN_PREVIOUS: PREVIOUS_TOKEN,
  };
  gateway = await Gateway.start({ bindings });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const environment = (more) => ({ ...process.env, URL: gateway.url, TOKEN: token, ...more });

/** How long a block may run: less than an event stream lasts, which ends whether all has come or not. */
const RUN_MS = 40_000;

/** Runs a block of the page to its end, and returns what it prints. */
async function run(mark, more = {}) {
  const args = ["-euo", "pipefail", "-c", block(mark)];
  const options = { env: environment(more), timeout: RUN_MS };
  return (await promisify(execFile)("bash", args, options)).stdout;
}

async function runJson(mark, more) {
  const printed = await run(mark, more);
  return printed === "" ? undefined : JSON.parse(printed);
}

/** Sets secrets, as a deployment does. */
async function set(bindings) {
  await gateway.halt();
  await gateway.restart(bindings);
}

const status = async (path, headers) => (await fetch(gateway.url + path, { headers })).status;

test("Vtryon's secret: nothing is accepted by it any more, and all that it has signed is found", async () => {
  const forged = Array.from({ length: 12 }, (_, nth) => `task_forged_${nth}`);
  await acknowledged(gateway, ...forged.map((id) => event(id, "completed")));
  const { key } = (await gateway.api(`/api/tasks/${forged[0]}`)).body.events[0];
  const remembers = async (state) => {
    const { secrets } = await runJson("leaked-fingerprint");
    return secrets.some((secret) => secret.state === state && secret.fingerprint === key);
  };
  await until(() => remembers("current"));
  await set({ VTRYON_WEBHOOK_SECRET: NEW.secret, VTRYON_WEBHOOK_SECRET_PREVIOUS: "" });
  assert.equal((await gateway.post(event("task_later", "queued"))).status, 401);
  const genuine = event("task_genuine", "queued");
  assert.equal((await gateway.post(genuine, { signature: sign(genuine, NEW.secret) })).status, 200);

  await until(() => remembers("former"));
  const lines = (await run("leaked-events", { FINGERPRINT: key })).trimEnd().split("\n");
  const found = lines.map((line) => /"task_id":"(.*?)"/.exec(line)[1]);
  assert.deepEqual(found.sort(), forged.sort());
});

test("the admin token: it, the one before it and their sessions end, and an attacker's endpoint and destination are found", async () => {
  const accepted = [];
  for (const token of [TOKEN, PREVIOUS_TOKEN]) {
    const headers = bearer(token);
    const opened = await fetch(`${gateway.url}/api/session`, { method: "POST", headers });
    accepted.push(headers, { cookie: opened.headers.get("set-cookie").split(";")[0] });
  }
  for (const headers of accepted) assert.equal(await status("/api/tasks", headers), 200);
  const { id: ENDPOINT } = await gateway.register(backend.url);
  const { body: destination } = await gateway.api("/api/alerts", { json: { url: backend.url } });
  const body = event("task_read", "queued");
  assert.equal((await gateway.post(body, { signature: sign(body, NEW.secret) })).status, 200);
  await delivery(gateway, { task_id: "task_read" });

  await set({ GATEWAY_ADMIN_TOKEN: NEW.token, GATEWAY_ADMIN_TOKEN_PREVIOUS: "" });
  token = NEW.token;
  for (const headers of accepted) assert.equal(await status("/api/tasks", headers), 401);
  const { endpoints } = await runJson("leaked-endpoints");
  assert.deepEqual(
    endpoints.map(({ id, url }) => [id, url]),
    [[ENDPOINT, backend.url]],
  );
  const { destinations } = await runJson("leaked-destinations");
  assert.deepEqual(
    destinations.map(({ id, url }) => [id, url]),
    [[destination.id, backend.url]],
  );
  const { deliveries } = await runJson("leaked-deliveries", { ENDPOINT });
  assert.deepEqual(
    deliveries.map(({ task_id }) => task_id),
    ["task_read"],
  );
  await run("leaked-delete", { ENDPOINT });
  assert.deepEqual((await runJson("leaked-endpoints")).endpoints, []);
  await gateway.api(`/api/alerts/${destination.id}`, { method: "DELETE", headers: bearer(token) });
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
  const { endpoints } = await runJson("leaked-endpoints");
  assert.match(endpoints[0].problem, /GATEWAY_MASTER_KEY/);

  const rotated = await runJson("leaked-rotate", { ENDPOINT: endpoint.id });
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
