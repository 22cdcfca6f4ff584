// Guesses: beyond ten failures of a client within a minute further failures are throttled. What is right is let in,
// always: whoever guesses may share the address of who need not.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AUD, Team } from "../support/api/access-team.js";
import {
  ask,
  bearer,
  cookie,
  elsewhere,
  flipped,
  good,
  now,
  session,
  signIn,
} from "../support/api/caller.js";
import { event, Gateway, TOKEN } from "../support/gateway.js";
import { mint, TICKET_TOKEN } from "../support/live/tickets.js";
import { exchange, head } from "../support/raw.js";

const ACCESS = { ACCESS_TEAM: "acme", ACCESS_AUD: AUD };

const team = new Team();
let gateway;
before(async () => {
  const bindings = { ...ACCESS, GATEWAY_TICKET_TOKEN: TICKET_TOKEN };
  gateway = await Gateway.start({ bindings, outbound: team.outbound });
});
after(() => gateway.stop());

const get = (from, headers) => ask(gateway, "/api/tasks", { from, headers });
const asserted = (options) => ({ "cf-access-jwt-assertion": team.assertion(options) });

/** How a client may be wrong. */
const GUESSES = {
  "a token": (from) => get(from, bearer("wrong")),
  "the beginning of the token": (from) => get(from, bearer(TOKEN.slice(0, -1))),
  "a token for tickets": async (from) => {
    const headers = { "cf-connecting-ip": from, ...bearer("wrong") };
    const { status, body } = await mint(gateway, { task_id: "task_guessed" }, headers);
    return { status, error: body.error, headers: new Headers({ "retry-after": "1" }) };
  },
  "an assertion that is forged": (from) => get(from, asserted({ signer: "none" })),
  "an assertion of another team": (from) => get(from, asserted({ claims: { iss: "https://x" } })),
  "an assertion that has expired": (from) => get(from, asserted({ claims: { exp: now() - 1 } })),
  "a sign-in": (from) => signIn(gateway, "wrong", { from }),
};

/** What is right, and how it is answered. */
const RIGHT = {
  "the token": [(from) => get(from, bearer(TOKEN)), 200],
  "a session": [(from) => get(from, cookie(good())), 200],
  "an assertion": [(from) => get(from, asserted()), 200],
  "a session beside a wrong token": [
    (from) => get(from, { ...bearer("x"), ...cookie(good()) }),
    200,
  ],
  "an assertion beside a wrong token": [
    (from) => get(from, { ...bearer("x"), ...asserted() }),
    200,
  ],
  "a sign-in": [(from) => signIn(gateway, TOKEN, { from }), 204],
  "the token for tickets": [
    (from) =>
      mint(gateway, { task_id: "task" }, { "cf-connecting-ip": from, ...bearer(TICKET_TOKEN) }),
    201,
  ],
};

async function assertLetIn(from) {
  for (const [name, [request, status]] of Object.entries(RIGHT)) {
    assert.equal((await request(from)).status, status, name);
  }
}

for (const [name, guess] of Object.entries(GUESSES)) {
  test(`limit: ten times ${name}, and only failures are throttled`, async () => {
    const from = elsewhere();
    for (let nth = 1; nth <= 10; nth++) assert.equal((await guess(from)).status, 401, `${nth}`);
    const limited = await guess(from);
    assert.deepEqual([limited.status, limited.error], [429, "rate_limited"]);
    const wait = Number(limited.headers.get("retry-after"));
    assert.ok(wait >= 1 && wait <= 60, `${wait} seconds`);
    await assertLetIn(from);
    // What is right makes nothing of what was wrong forgotten.
    assert.equal((await guess(from)).status, 429);
    // Everything but /api goes on; and so does signing out.
    const headers = { "cf-connecting-ip": from };
    assert.equal((await gateway.post(event("task_limit", "queued"), { headers })).status, 200);
    assert.equal((await ask(gateway, "/healthz", { from })).status, 200);
    assert.equal((await ask(gateway, "/api/session", { from, method: "DELETE" })).status, 204);
  });
}

test("limit: during and after a thousand failures, right credentials are accepted", async () => {
  const from = elsewhere();
  const guess = Object.values(GUESSES);
  const begun = Date.now();
  let rounds = 0;
  // On a slow machine fewer: after a minute ten more failures are let through.
  for (let round = 0; round < 20 && Date.now() < begun + 50_000; round++) {
    const failures = Array.from({ length: 50 }, (_, nth) => guess[nth % guess.length](from));
    const [statuses] = await Promise.all([
      Promise.all(failures.map(async (answer) => (await answer).status)),
      assertLetIn(from),
    ]);
    // It may have lasted into the next minute.
    if (Date.now() > begun + 55_000) break;
    const expected =
      round === 0 ? [...Array(10).fill(401), ...Array(40).fill(429)] : Array(50).fill(429);
    assert.deepEqual(statuses.sort(), expected, `round ${round}`);
    rounds += 1;
  }
  assert.ok(rounds > 0, "no round was over within its minute");
});

/** Cookies that were good once, or could be taken for it. */
const VOID = {
  "of another token": () => session(now() + 3600, { token: `${TOKEN}2` }),
  "of another master key": () => session(now() + 3600, { master: "0e".repeat(32) }),
  "that has ended": () => session(now() - 1),
  "that was altered": () => flipped(good()),
};
for (const [name, value] of Object.entries(VOID)) {
  test(`limit: a session ${name} is no guess: it is cleared, and never counted`, async () => {
    const from = elsewhere();
    for (let nth = 0; nth < 50; nth++) {
      const answer = await ask(gateway, "/api/live", { from, headers: cookie(value()) });
      assert.equal(answer.status, 401, `${nth}`);
      assert.match(answer.cookie, /^__Host-vtryon_session=; .*Max-Age=0$/);
    }
    assert.equal((await get(from, bearer("wrong"))).status, 401);
    const log = await gateway.wholeLog();
    const lines = log.split("\n").filter((line) => line.includes(`"${from}"`));
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).reason),
      ["its bearer token is wrong"],
    );
    await assertLetIn(from);
  });
}

test("limit: no credentials are no guess: any page can make a browser send that", async () => {
  const from = elsewhere();
  for (let nth = 0; nth < 12; nth++) {
    assert.equal((await ask(gateway, "/api/tasks", { from })).status, 401);
  }
  assert.equal((await ask(gateway, "/api/tasks", { from, headers: bearer(TOKEN) })).status, 200);
});

test("limit: wrong requests to /webhooks are not counted", async () => {
  const from = elsewhere();
  for (let nth = 0; nth < 12; nth++) {
    const headers = { "cf-connecting-ip": from };
    const forged = await gateway.post("{}", { signature: "0".repeat(64), headers });
    assert.equal(forged.status, 401);
  }
  assert.equal((await ask(gateway, "/api/tasks", { from, headers: bearer(TOKEN) })).status, 200);
});

test("limit: guesses at the same time are no more than ten", async () => {
  const from = elsewhere();
  const guesses = Array.from({ length: 25 }, (_, nth) =>
    nth % 2 === 0 ? GUESSES["a sign-in"](from) : GUESSES["a token"](from),
  );
  const statuses = (await Promise.all(guesses)).map((answer) => answer.status);
  assert.deepEqual(
    statuses.sort(),
    [...Array(10).fill(401), ...Array(15).fill(429)],
    "whatever comes first",
  );
});

test("limit: an IPv6 client is its /64", async () => {
  for (let nth = 0; nth < 10; nth++) {
    assert.equal((await GUESSES["a token"](`2001:db8:1:2::${nth}`)).status, 401);
  }
  assert.equal((await GUESSES["a token"]("2001:db8:1:2:ffff::1")).status, 429);
  assert.equal((await GUESSES["a token"]("2001:db8:1:3::1")).status, 401);
});

test("limit: wrong ticket tokens, where administrators use Access only", async (t) => {
  const bindings = {
    GATEWAY_ADMIN_TOKEN: undefined,
    ACCESS_TEAM: "acme",
    ACCESS_AUD: "ab".repeat(32),
    GATEWAY_TICKET_TOKEN: TICKET_TOKEN,
  };
  const other = await Gateway.start({ bindings });
  t.after(() => other.stop());
  const from = elsewhere();
  const guess = async (token, address = from) => {
    const headers = { "cf-connecting-ip": address, ...bearer(token) };
    return (await mint(other, { task_id: "task_guessed" }, headers)).status;
  };
  assert.equal(await guess(TICKET_TOKEN), 201);
  for (let nth = 1; nth <= 10; nth++) assert.equal(await guess(`wrong ${nth}`), 401, `${nth}`);
  assert.equal(await guess("wrong"), 429);
  assert.equal(await guess(TICKET_TOKEN), 201, "what is right is let in");
  assert.equal(await guess(TICKET_TOKEN, elsewhere()), 201);
});

test("clients without an address share one count", async (t) => {
  const other = await Gateway.start();
  t.after(() => other.stop());
  // The runtime in front fills in an address only where none is sent.
  const request = (token) =>
    exchange(
      other.url,
      head("GET", "/api/tasks", [`authorization: Bearer ${token}`, "cf-connecting-ip: unknown"]),
    );
  for (let nth = 0; nth < 10; nth++) assert.equal((await request("wrong")).status, 401);
  assert.equal((await request("wrong")).status, 429);
  assert.equal((await request(TOKEN)).status, 200);
});
