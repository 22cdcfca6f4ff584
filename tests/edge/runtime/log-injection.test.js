// Nothing that somebody sends is in the log: a line has texts of the program, codes, numbers and addresses alone, so
// nobody can write one. What is sent here has line breaks in every form that HTTP carries.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bearer, cookie } from "../support/api/caller.js";
import { Backend } from "../support/backends/backend.js";
import { event, Gateway, TOKEN, until } from "../support/gateway.js";

const MARK = "injected";
/** Line breaks as a URL has them, as JSON escapes them, and as Unicode has them, and an escape sequence. */
const IN_URL = `%0a%0d%0aerror:%20${MARK}%1b%5b2J`;
const IN_TEXT = `\r\nerror: ${MARK}\u2028\u0085\u001b[2J`;
const IN_HEADER = `error: ${MARK}`;

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start(({ response }) => {
    response.writeHead(500, { location: `https://${MARK}.example/`, "retry-after": MARK });
    response.end(IN_TEXT);
  });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const send = (path, options) => fetch(gateway.url + path, options);
const post = (path, headers, body) => send(path, { method: "POST", headers, body });

/** name: [what somebody sends, the statuses that it may be answered with] */
const SENT = {
  "a webhook with no signature": [() => gateway.post(IN_TEXT, { signature: null }), 401],
  "a signature": [() => gateway.post("{}", { signature: IN_HEADER }), 401],
  "headers of a webhook": [
    () =>
      gateway.post(IN_TEXT, {
        signature: "ab".repeat(32),
        headers: { "user-agent": IN_HEADER, "x-forwarded-for": IN_HEADER, "cf-ray": IN_HEADER },
      }),
    401,
  ],
  "the address of a client": [
    () => send("/api/tasks", { headers: { ...bearer("wrong"), "cf-connecting-ip": IN_HEADER } }),
    401,
  ],
  "a path": [() => post(`/webhooks/${IN_URL}`, { "x-vtryon-signature": IN_HEADER }, "{}"), 404],
  "a query": [() => post(`/webhooks/vtryon?${IN_URL}`, {}, "{}"), 401],
  "a token": [() => send("/api/tasks", { headers: bearer(IN_HEADER) }), 401],
  "a session": [() => send("/api/tasks", { headers: cookie(IN_HEADER) }), 401],
  "an assertion": [
    () => send("/api/tasks", { headers: { "cf-access-jwt-assertion": IN_HEADER } }),
    401,
  ],
  "a ticket": [() => send(`/api/tasks/x/live?ticket=${IN_URL}`), 401],
  "a task id that is signed": [() => gateway.post(event(`task_${IN_TEXT}`, "queued")), 200],
  "a status that is signed": [() => gateway.post(event("task_a", IN_TEXT)), 200],
  "a body that is signed and no JSON": [() => gateway.post(IN_TEXT), 200],
  "a URL of an endpoint": [
    () => gateway.api("/api/endpoints", { json: { url: `https://${IN_TEXT}/` } }),
    400,
  ],
  "a range to replay": [() => send(`/api/tasks?limit=${IN_URL}`, { headers: bearer(TOKEN) }), 400],
};

test("nothing that somebody sends is in the log", async (t) => {
  await gateway.api("/api/endpoints", { json: { url: `${backend.url}/${MARK}` } });
  for (const [name, [sent, status]] of Object.entries(SENT)) {
    await t.test(name, async () => assert.equal((await sent()).status, status));
  }
  assert.equal((await gateway.post(event(`task_${MARK}`, "queued"))).status, 200);
  await until(() => backend.received.length > 0);
  // The first one of a cause at once, the others with the report.
  await gateway.logged(/("missing_signature".*){2}/s);
  const log = await gateway.wholeLog();
  assert.match(log, /"request_rejected","code":"missing_signature"/);
  assert.match(log, /"credential_rejected","client":/);
  assert.ok(!log.includes(MARK), log);
});
