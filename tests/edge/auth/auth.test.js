// Who may use /api: which tokens and sessions are accepted, for how long, and what the answers and the log reveal.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ask,
  bearer,
  COOKIE,
  cookie,
  elsewhere,
  flipped,
  good,
  HOUR,
  JSON_TYPE,
  MASTER,
  now,
  session,
  signIn,
} from "../support/api/caller.js";
import { Gateway, TOKEN } from "../support/gateway.js";
import { upgrade } from "../support/raw.js";

const ANOTHER = "another-token-of-the-tests-0123456789abcdef";

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

/** name: [the headers, the status] */
const CREDENTIALS = {
  nothing: [() => ({}), 401],
  "the token": [() => bearer(TOKEN), 200],
  "the scheme in another case": [() => ({ authorization: `BEARER ${TOKEN}` }), 200],
  "a wrong token": [() => bearer("wrong"), 401],
  "an empty token": [() => ({ authorization: "Bearer " }), 401],
  "no scheme": [() => ({ authorization: TOKEN }), 401],
  "another scheme": [() => ({ authorization: `Basic ${btoa(`:${TOKEN}`)}` }), 401],
  "the token in two headers": [() => ({ authorization: `Bearer ${TOKEN}, Bearer ${TOKEN}` }), 401],
  "the token as a cookie": [() => cookie(TOKEN), 401],
  "a session": [() => cookie(good()), 200],
  "a session among other cookies": [() => cookie(good(), "theme=dark; "), 200],
  "a session beside a wrong token": [() => ({ ...bearer("wrong"), ...cookie(good()) }), 200],
  "the token beside a wrong session": [() => ({ ...bearer(TOKEN), ...cookie("1.ab") }), 200],
  "a session as a token": [() => bearer(good()), 401],
  "two sessions": [() => cookie(good(), `${COOKIE}=${good()}; `), 401],
  "a session by another name": [() => ({ cookie: `vtryon_session=${good()}` }), 401],
  "an empty session": [() => cookie(""), 401],
  "a session of words": [() => cookie("for.ever"), 401],
  "a session without a signature": [() => cookie(`${now() + HOUR}.`), 401],
  "a session without an opener": [() => cookie(good().replace(".root", "")), 401],
  "a session by a token that is no more": [
    () => cookie(session(now() + HOUR, { opener: `tok_${"0".repeat(16)}` })),
    401,
  ],
  "a session half signed": [() => cookie(good().slice(0, -2)), 401],
  "a session signed and more": [() => cookie(`${good()}00`), 401],
  "a session with another signature": [() => cookie(flipped(good())), 401],
  "a session made longer": [() => cookie(good().replace(/\d+/, String(now() + 2 * HOUR))), 401],
  "a session that ends in this second": [() => cookie(session(now())), 401],
  "a session of yesterday": [() => cookie(session(now() - 24 * HOUR)), 401],
  "a session almost over": [() => cookie(session(now() + 60)), 200],
  "a session longer than 12 hours": [() => cookie(session(now() + 12 * HOUR + 60)), 401],
  "a session for ever": [() => cookie(session("99999999999999999999")), 401],
  "a session of another token": [() => cookie(session(now() + HOUR, { token: `${TOKEN}2` })), 401],
  "a session of another master key": [
    () => cookie(session(now() + HOUR, { master: "0e".repeat(32) })),
    401,
  ],
  "an assertion where there is no Access": [() => ({ "cf-access-jwt-assertion": "a.b.c" }), 401],
};
const CLEARED = `${COOKIE}=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0`;
const isOneSession = (cookie) =>
  cookie?.split("; ").filter((one) => one.startsWith(`${COOKIE}=`)).length === 1;

for (const [name, [headers, status]] of Object.entries(CREDENTIALS)) {
  test(`credentials: ${name}`, async () => {
    const from = elsewhere();
    const answer = await ask(gateway, "/api/tasks", { from, headers: headers() });
    assert.equal(answer.status, status);
    // Without a credential the answer does not reveal whether the path exists.
    assert.equal(
      (await ask(gateway, "/api/nothing", { from, headers: headers() })).status,
      status === 200 ? 404 : 401,
    );
    // A method without a body is admitted and refused in the same way.
    const asked = await ask(gateway, "/api/tasks", { from, headers: headers(), method: "HEAD" });
    assert.equal(asked.status, status);
    if (status === 401) {
      assert.equal(answer.error, "unauthorized");
      assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    }
    // A session that is void is taken from the browser; one that is good stays.
    const isVoid = status === 401 && isOneSession(headers().cookie);
    for (const { cookie } of [answer, asked]) {
      assert.equal(cookie, isVoid ? CLEARED : null);
    }
  });
}

test("a session is void once the token or the master key has changed", async (t) => {
  const other = await Gateway.start();
  t.after(() => other.stop());
  const open = async (token) => {
    const headers = bearer(token);
    const answer = await fetch(`${other.url}/api/session`, { method: "POST", headers });
    return answer.headers.get("set-cookie").split(";")[0];
  };
  const status = async (cookie) =>
    (await fetch(`${other.url}/api/tasks`, { headers: { cookie } })).status;

  const first = await open(TOKEN);
  assert.equal(await status(first), 200);
  await other.halt();
  await other.restart({ GATEWAY_ADMIN_TOKEN: ANOTHER });
  assert.equal(await status(first), 401);
  const second = await open(ANOTHER);
  assert.equal(await status(second), 200);
  await other.halt();
  await other.restart({ GATEWAY_MASTER_KEY: "1e".repeat(32) });
  assert.equal(await status(second), 401);
  assert.equal(await status(await open(ANOTHER)), 200);
});

test("every refusal clears an invalid session, and no accepted request does", async () => {
  const headers = cookie(session(now() - 1));
  const requests = [
    ["/api/live", { headers }, 401],
    ["/api/live/0", { headers }, 401],
    ["/api/tasks/x/live", { headers }, 401],
    ["/api/tasks", { headers: { ...headers, ...bearer("wrong") } }, 401],
    ["/api/endpoints", { method: "POST", body: "{}", headers }, 401],
  ];
  for (const [path, init, status] of requests) {
    const answer = await ask(gateway, path, init);
    assert.deepEqual([answer.status, answer.cookie], [status, CLEARED], path);
  }
  const refused = await upgrade(gateway, "/api/live/0", headers);
  assert.deepEqual([refused.status, refused.headers["set-cookie"]], [401, [CLEARED]]);
  const wrong = await signIn(gateway, "wrong", { headers: { ...JSON_TYPE, ...headers } });
  assert.deepEqual([wrong.status, wrong.cookie], [401, CLEARED]);
  const failed = await signIn(gateway, "wrong", { headers: { ...JSON_TYPE, ...cookie(good()) } });
  assert.deepEqual([failed.status, failed.cookie], [401, null], "a typing error ends no session");
  const signed = await signIn(gateway, TOKEN, { headers: { ...JSON_TYPE, ...headers } });
  assert.equal(signed.status, 204);
  assert.match(signed.cookie, /Max-Age=43200/);
  const admitted = await ask(gateway, "/api/tasks", { headers: { ...headers, ...bearer(TOKEN) } });
  assert.deepEqual([admitted.status, admitted.cookie], [200, null]);
});

test("another origin is given no leave", async () => {
  const headers = {
    origin: "https://evil.example",
    "access-control-request-method": "DELETE",
    "access-control-request-headers": "x-requested-with, content-type",
  };
  for (const [path, method] of [
    ["/api/tasks", "OPTIONS"],
    ["/api/session", "OPTIONS"],
    ["/api/session", "DELETE"],
    ["/api/tasks", "GET"],
  ]) {
    const answer = await ask(gateway, path, { method, headers: { ...headers, ...bearer(TOKEN) } });
    const names = [...answer.headers.keys()];
    assert.ok(!names.some((name) => name.startsWith("access-control-")), `${method} ${path}`);
    if (method === "OPTIONS") assert.equal(answer.status, 405);
  }
});

test("the log names a client once, and contains no secret", async () => {
  const from = elsewhere();
  const presented = ["wrong-token-of-a-stranger", good(), flipped(good())];
  await ask(gateway, "/api/tasks", { from, headers: bearer(presented[0]) });
  await ask(gateway, "/api/tasks", { from, headers: cookie(presented[2]) });
  await ask(gateway, "/api/tasks", { from, headers: { "cf-access-jwt-assertion": presented[0] } });
  await signIn(gateway, presented[0], { from });
  assert.equal(
    (await ask(gateway, "/api/tasks", { from, headers: cookie(presented[1]) })).status,
    200,
  );
  const log = await gateway.wholeLog();
  const lines = log.split("\n").filter((line) => line.includes(`"${from}"`));
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.deepEqual(JSON.parse(lines[0]), {
    level: "warn",
    decision: "credential_rejected",
    client: from,
    reason: "its bearer token is wrong",
  });
  for (const secret of [TOKEN, MASTER, ...presented, presented[1].split(".").at(-1)]) {
    assert.ok(!log.includes(secret));
  }
});
