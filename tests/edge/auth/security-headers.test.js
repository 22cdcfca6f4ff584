// What every answer carries, whatever kind it is of: `nosniff`, and over https HSTS.

import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { after, before, test } from "node:test";
import { within } from "../../support/wait.js";
import { bearer, cookie, elsewhere, good, JSON_TYPE } from "../support/api/caller.js";
import { event, Gateway, sign, TOKEN } from "../support/gateway.js";
import { UPGRADE } from "../support/raw.js";

const BODY = event("task_headers", "queued");
const SIGNED = { "x-vtryon-signature": sign(BODY) };
const ADMIN = bearer(TOKEN);
const STREAM = { accept: "text/event-stream" };

/** Sends a request, and returns the head of its answer; a stream or a socket is closed then. */
function headOf(gateway, { method = "GET", path, headers = {}, body }) {
  const { request } = gateway.url.startsWith("https:") ? https : http;
  const options = { method, headers: { "cf-connecting-ip": elsewhere(), ...headers } };
  const head = new Promise((resolve, reject) => {
    const sent = request(`${gateway.url}${path}`, { ...options, rejectUnauthorized: false });
    const take = (answer, socket) => {
      (socket ?? answer).destroy();
      resolve(answer);
    };
    sent.on("response", take).on("upgrade", take).on("error", reject).end(body);
  });
  return within(`the head of ${path}`, head);
}

/** Asks for a ticket of a task. */
async function ticketFor(gateway, task_id) {
  const { request } = gateway.url.startsWith("https:") ? https : http;
  const options = { method: "POST", headers: ADMIN, rejectUnauthorized: false };
  const answered = new Promise((resolve, reject) => {
    const sent = request(`${gateway.url}/api/tickets`, options, async (answer) =>
      resolve((await answer.toArray()).join("")),
    );
    sent.on("error", reject).end(JSON.stringify({ task_id }));
  });
  return JSON.parse(await within("a ticket", answered)).ticket;
}

const post = (path, headers, body) => ({ method: "POST", path, headers, body });
const watch = "/api/tasks/task_headers/live";
const offering = (ticket) => ({ ...UPGRADE, "sec-websocket-protocol": `vtryon-live, ${ticket}` });

/** name: [the request, its status]; a request may be made of a ticket. */
const ANSWERS = {
  "an event stored": [post("/webhooks/vtryon", SIGNED, BODY), 200],
  "an event refused": [post("/webhooks/vtryon", {}, BODY), 401],
  "a body too long": [post("/webhooks/vtryon", { ...SIGNED, "content-length": "999999" }), 413],
  "another method": [{ path: "/webhooks/vtryon" }, 405],
  health: [{ path: "/healthz" }, 200],
  "health, by HEAD": [{ method: "HEAD", path: "/healthz" }, 200],
  "a path that there isn't": [{ path: "/webhooks/nothing" }, 404],
  "no credentials": [{ path: "/api/tasks" }, 401],
  "a wrong token": [{ path: "/api/tasks", headers: bearer("wrong") }, 401],
  "a change by cookie without its header": [post("/api/endpoints", cookie(good()), "{}"), 403],
  "a listing": [{ path: "/api/tasks", headers: ADMIN }, 200],
  "a parameter that can't be read": [{ path: "/api/tasks?limit=0", headers: ADMIN }, 400],
  "a task that there isn't": [{ path: "/api/tasks/nobody", headers: ADMIN }, 404],
  "an answer of the directory": [{ path: "/api/endpoints", headers: ADMIN }, 200],
  "what the directory refuses": [{ path: "/api/endpoints/ep_9", headers: ADMIN }, 404],
  metrics: [{ path: "/api/metrics", headers: ADMIN }, 200],
  "the document": [{ path: "/api/openapi.json", headers: ADMIN }, 200],
  "a sign-in": [post("/api/session", JSON_TYPE, JSON.stringify({ token: TOKEN })), 204],
  "a sign-out": [{ method: "DELETE", path: "/api/session" }, 204],
  "a ticket": [post("/api/tickets", ADMIN, '{"task_id":"task_headers"}'), 201],
  "a preflight": [{ method: "OPTIONS", path: watch }, 204],
  "the number of shards": [{ path: "/api/live", headers: ADMIN }, 200],
  "a stream of everything": [{ path: "/api/live", headers: { ...ADMIN, ...STREAM } }, 200],
  "a stream of a task": [{ path: watch, headers: { ...ADMIN, ...STREAM } }, 200],
  "a stream by ticket": [(t) => ({ path: `${watch}?ticket=${t}`, headers: STREAM }), 200],
  "a stream by a wrong ticket": [{ path: `${watch}?ticket=t1.x`, headers: STREAM }, 401],
  "a socket of a shard": [{ path: "/api/live/0", headers: { ...ADMIN, ...UPGRADE } }, 101],
  "a socket of everything": [{ path: "/api/live", headers: { ...ADMIN, ...UPGRADE } }, 101],
  "a socket of a task": [{ path: watch, headers: { ...ADMIN, ...UPGRADE } }, 101],
  "a socket by ticket": [(t) => ({ path: watch, headers: offering(t) }), 101],
  "a socket refused": [{ path: "/api/live/0", headers: UPGRADE }, 401],
  "a panic": [{ path: "/healthz", headers: { "x-fault": "panic" } }, 503],
};

for (const isSecure of [false, true]) {
  const scheme = isSecure ? "https" : "http";
  const hsts = isSecure ? "max-age=31536000" : undefined;
  let gateway;
  let ticket;
  before(async () => {
    gateway = await Gateway.start({ build: "build-faults", https: isSecure, dashboard: true });
    ticket = await ticketFor(gateway, "task_headers");
  });
  after(() => gateway.stop());

  for (const [name, [request, status]] of Object.entries(ANSWERS)) {
    test(`${scheme}: ${name}`, async () => {
      const made = typeof request === "function" ? request(ticket) : request;
      const answer = await headOf(gateway, made);
      assert.equal(answer.statusCode, status);
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.equal(answer.headers["strict-transport-security"], hsts);
    });
  }

  test(`${scheme}: too many wrong tokens`, async () => {
    const headers = { "cf-connecting-ip": "192.0.2.1", ...bearer("wrong") };
    for (let nth = 0; nth < 10; nth++) await headOf(gateway, { path: "/api/tasks", headers });
    const answer = await headOf(gateway, { path: "/api/tasks", headers });
    assert.equal(answer.statusCode, 429);
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    assert.equal(answer.headers["strict-transport-security"], hsts);
  });

  // Pages are Cloudflare's to serve, by `_headers`; a browser ignores what comes over plain HTTP (RFC 6797, 8.1).
  for (const path of ["/", "/tasks", "/icon.svg"]) {
    test(`${scheme}: the page ${path}`, async () => {
      const answer = await headOf(gateway, { path });
      assert.equal(answer.statusCode, 200);
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.equal(answer.headers["strict-transport-security"], "max-age=31536000");
    });
  }
}

test("a faulty configuration", async (t) => {
  const gateway = await Gateway.start({ bindings: { SHARDS: "0" } });
  t.after(() => gateway.stop());
  const answer = await headOf(gateway, { path: "/healthz" });
  assert.equal(answer.statusCode, 503);
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
});
