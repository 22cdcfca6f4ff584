// Tokens with a scope: what each may do, when a revoked one is refused, and what a lookup costs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ask,
  bearer,
  cookie,
  elsewhere,
  flipped,
  now,
  session,
  signIn,
} from "../support/api/caller.js";
import { call, OPERATIONS } from "../support/api/document.js";
import { createToken, revoke, statusBy } from "../support/api/tokens.js";
import { Gateway, TOKEN, until } from "../support/gateway.js";
import { ready } from "../support/live/streams.js";
import { metered, since } from "../support/metering.js";

const NEXT_TOKEN = "next-admin-token-of-the-tests-0123456789abcdef";

/** The clock runs so many times faster: the 30 seconds for which an isolate remembers a token pass in one and a half. */
const SPEED = 20;

let gateway;
const created = {};
before(async () => {
  const bindings = { SHARDS: "1", CLOCK_SCALE: String(SPEED), CLOCK_FROM: String(Date.now()) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  for (const scope of SCOPES) created[scope] = await createToken(gateway, scope);
});
after(() => gateway.stop());

/** scope: the scopes of operations that it suffices for */
const ALLOWED = {
  read: ["read"],
  listen: ["read", "listen"],
  replay: ["read", "listen", "replay"],
  tickets: ["tickets"],
  admin: ["read", "listen", "replay", "tickets", "admin"],
};
const SCOPES = Object.keys(ALLOWED);

/** What has to be there for a stream to be one. */
const EVENTS = { accept: "text/event-stream" };

for (const { id, scope: needed } of OPERATIONS.filter(({ scope }) => scope)) {
  test(`${id} needs the scope ${needed}, and is refused to others with both names`, async () => {
    for (const scope of SCOPES) {
      const headers = { ...EVENTS, ...bearer(created[scope].token) };
      const { status, body } = await call(gateway, id, { headers });
      if (ALLOWED[scope].includes(needed)) {
        assert.ok(![401, 403].includes(status), `${scope}: ${status}`);
        continue;
      }
      assert.equal(status, 403, scope);
      assert.ok(body.message.includes(`needs the scope \`${needed}\``), body.message);
      assert.ok(body.message.includes(`has \`${scope}\``), body.message);
    }
  });
}

test("a session may do what its token may", async () => {
  const { status, cookie } = await signIn(gateway, created.read.token);
  assert.equal(status, 204);
  const headers = { cookie: cookie.split(";")[0], "x-requested-with": "test" };
  assert.equal((await ask(gateway, "/api/tasks", { headers })).status, 200);
  const body = JSON.stringify({ url: "https://shop.example/" });
  const refused = await ask(gateway, "/api/endpoints", { method: "POST", headers, body });
  assert.equal(refused.status, 403);
  assert.match(refused.message, /needs the scope `admin`; the credential that was sent has `read`/);
  assert.equal(refused.cookie, null, "the session stays");
});

test("of several credentials, one whose scope suffices is enough", async () => {
  const read = bearer(created.read.token);
  const admin = cookie(session(now() + 3600));
  const headers = { ...read, ...admin };
  assert.equal((await ask(gateway, "/api/audit", { headers })).status, 200);
});

test("while a token can't be looked up, another good credential of the request is enough", async (t) => {
  const other = await Gateway.start({ bindings: { SHARDS: "1" } });
  t.after(() => other.stop());
  const { token } = await createToken(other, "admin");
  // The directory answers nobody who has another number of shards.
  await other.halt();
  await other.restart({ SHARDS: "2" });
  const [good, ended] = [now() + 3600, now() - 1].map((end) => cookie(session(end)));
  for (const [beside, status] of [
    [{}, 503],
    [ended, 503],
    [good, 200],
  ]) {
    const headers = { ...bearer(token), ...beside };
    assert.equal((await ask(other, "/api", { headers })).status, status);
  }
});

test("a token that is shown once is listed without its text", async () => {
  const { tokens } = (await gateway.api("/api/tokens")).body;
  assert.equal(tokens.length, SCOPES.length);
  const text = JSON.stringify(tokens);
  for (const { token } of Object.values(created)) assert.ok(!text.includes(token.slice(20, 84)));
  assert.ok(tokens.find(({ scope }) => scope === "read").last_used_at, "its use is noted");
});

test("a revoked token ends with its sessions and its streams, and others go on", async (t) => {
  const byOthers = await Promise.all(
    ["WebSocket", "SSE"].map((transport) =>
      ready(t, transport, gateway, "/api/live/0", { headers: bearer(created.listen.token) }),
    ),
  );
  const token = await createToken(gateway, "listen");
  const headers = bearer(token.token);
  const streams = await Promise.all(
    [
      ["WebSocket", "/api/live"],
      ["WebSocket", "/api/live/0"],
      ["SSE", "/api/live/0"],
    ].map(([transport, path]) => ready(t, transport, gateway, path, { headers })),
  );
  const signed = await signIn(gateway, token.token);
  const bySession = () =>
    ask(gateway, "/api/tasks", { headers: { cookie: signed.cookie.split(";")[0] } });
  assert.equal((await bySession()).status, 200);

  const begun = Date.now();
  assert.equal((await revoke(gateway, token)).status, 200);
  await until(async () => (await statusBy(gateway, token)) === 401);
  const ended = await bySession();
  assert.deepEqual([ended.status, /Max-Age=0/.test(ended.cookie)], [401, true]);
  await Promise.all(streams.map((stream) => stream.ended()));
  assert.deepEqual(
    streams.map(({ end }) => end),
    [{ code: 1008 }, { code: 1008 }, {}],
  );
  const seconds = ((Date.now() - begun) * SPEED) / 1000;
  t.diagnostic(`after ${seconds} seconds of the clock`);
  // They are older: it was not their age that has ended these, as every stream by SSE ends after a while.
  for (const { end } of byOthers) assert.equal(end, undefined, "others go on");
  assert.equal((await revoke(gateway, token)).status, 404);
});

test("a token and its streams end when it expires", async (t) => {
  const clock = Date.parse((await createToken(gateway, "read")).created_at);
  // Half a minute of this machine's time: the stream has to be open before that.
  const expires_at = new Date(clock + 30_000 * SPEED).toISOString();
  const token = await createToken(gateway, "listen", { expires_at });
  const stream = await ready(t, "WebSocket", gateway, "/api/live/0", {
    headers: bearer(token.token),
  });
  assert.deepEqual(await stream.ended(), { code: 1008 });
  assert.equal(await statusBy(gateway, token), 401);
});

/** What is no token of this gateway, though it looks like one. */
const FORGED = {
  "random digits": () => `vtg_${"0123456789abcdef".repeat(6)}`,
  "another MAC": ({ token }) => flipped(token),
  "another secret": ({ token }) => `${token.slice(0, 30)}${"0".repeat(20)}${token.slice(50)}`,
  "another id": ({ token }) => `vtg_${"0".repeat(16)}${token.slice(20)}`,
  "upper case": ({ token }) => token.toUpperCase().replace("VTG", "vtg"),
  "its beginning": ({ token }) => token.slice(0, -1),
};

test("what no gateway has made is never looked up, a token once in 30 seconds, also a revoked one", async (t) => {
  const other = await Gateway.start({ build: "build-faults" });
  t.after(() => other.stop());
  const [valid, revoked] = [await createToken(other, "read"), await createToken(other, "read")];
  await revoke(other, revoked);
  const before = await metered(other);
  const counts = async () => since(before, await metered(other));
  for (const [name, forge] of Object.entries(FORGED)) {
    const from = elsewhere();
    for (let nth = 0; nth < 12; nth++) {
      const { status } = await ask(other, "/api", { from, headers: bearer(forge(valid)) });
      assert.equal(status, nth < 10 ? 401 : 429, name);
    }
  }
  assert.equal((await counts()).directory_request, 0);
  const from = elsewhere();
  for (let nth = 0; nth < 12; nth++) {
    const refused = await ask(other, "/api", { from, headers: bearer(revoked.token) });
    assert.equal(refused.status, nth < 10 ? 401 : 429);
    const { status } = await ask(other, "/api", { from, headers: bearer(valid.token) });
    assert.equal(status, 200, "a right one is never throttled");
  }
  const { directory_request, rows_written } = await counts();
  assert.deepEqual([directory_request, rows_written], [2, 1], "one use is noted");
});

test("the previous admin token and its sessions are accepted as long as it is set", async (t) => {
  const other = await Gateway.start();
  t.after(() => other.stop());
  const token = await createToken(other, "read");
  const opened = await Promise.all([signIn(other, TOKEN), signIn(other, token.token)]);
  const sessions = opened.map(({ cookie }) => ({ cookie: cookie.split(";")[0] }));
  const credentials = [bearer(NEXT_TOKEN), bearer(TOKEN), ...sessions, bearer(token.token)];
  const statuses = async () => {
    const answers = credentials.map((headers) => ask(other, "/api", { headers }));
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  for (const [bindings, expected, why] of [
    [
      { GATEWAY_ADMIN_TOKEN: NEXT_TOKEN, GATEWAY_ADMIN_TOKEN_PREVIOUS: TOKEN },
      [200, 200, 200, 200, 200],
      "while it is rotated",
    ],
    [{ GATEWAY_ADMIN_TOKEN_PREVIOUS: "" }, [200, 401, 401, 401, 200], "tokens outlive it"],
    [{ GATEWAY_MASTER_KEY: "1e".repeat(32) }, [200, 401, 401, 401, 401], "another master key"],
  ]) {
    await other.halt();
    await other.restart(bindings);
    assert.deepEqual(await statuses(), expected, why);
  }
});

test("while the directory can't be asked, a token is answered 503, and the admin token is let in", async () => {
  // With another number of shards than the one under which endpoints were registered, the directory answers nothing.
  await gateway.register("https://shop.example/");
  await gateway.halt();
  await gateway.restart({ SHARDS: "2" });
  assert.equal(await statusBy(gateway, created.read), 503);
  assert.equal((await ask(gateway, "/api", { headers: bearer(TOKEN) })).status, 200);
});
