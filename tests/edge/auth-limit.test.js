// Guesses: ten failures of a client within a minute, and nothing of it is compared for the rest of it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, bearer, cookie, elsewhere, flipped, good, signIn } from "./caller.js";
import { event, Gateway, TOKEN } from "./gateway.js";
import { exchange, head } from "./raw.js";
import { mint, TICKET_TOKEN } from "./ticket-office.js";

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

/** How a client may be wrong. */
const GUESSES = {
  "a token": (from) => ask(gateway, "/api/tasks", { from, headers: bearer("wrong") }),
  "a session": (from) => ask(gateway, "/api/tasks", { from, headers: cookie(flipped(good())) }),
  "a sign-in": (from) => signIn(gateway, "wrong", { from }),
};
for (const [name, guess] of Object.entries(GUESSES)) {
  test(`limit: ten times ${name}, and no more`, async () => {
    const from = elsewhere();
    for (let nth = 1; nth <= 10; nth++) assert.equal((await guess(from)).status, 401, `${nth}`);
    const limited = await guess(from);
    assert.deepEqual([limited.status, limited.error], [429, "rate_limited"]);
    const wait = Number(limited.headers.get("retry-after"));
    assert.ok(wait >= 1 && wait <= 60, `${wait} seconds`);
    // Nor with what is right: a guess that is not compared tells nothing.
    for (const headers of [bearer(TOKEN), cookie(good())]) {
      assert.equal((await ask(gateway, "/api/tasks", { from, headers })).status, 429);
    }
    assert.equal((await signIn(gateway, TOKEN, { from })).status, 429);
    // Everyone else, and everything but /api, goes on; and so does signing out.
    assert.equal((await ask(gateway, "/api/tasks", { headers: bearer(TOKEN) })).status, 200);
    const headers = { "cf-connecting-ip": from };
    assert.equal((await gateway.post(event("task_limit", "queued"), { headers })).status, 200);
    assert.equal((await ask(gateway, "/healthz", { from })).status, 200);
    assert.equal((await ask(gateway, "/api/session", { from, method: "DELETE" })).status, 204);
  });
}

test("limit: no credentials are no guess: any page can make a browser send that", async () => {
  const from = elsewhere();
  for (let nth = 0; nth < 12; nth++) {
    assert.equal((await ask(gateway, "/api/tasks", { from })).status, 401);
  }
  assert.equal((await ask(gateway, "/api/tasks", { from, headers: bearer(TOKEN) })).status, 200);
});

test("limit: what is wrong with /webhooks is not counted", async () => {
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
  const headers = bearer(TOKEN);
  assert.equal(
    (await ask(gateway, "/api/tasks", { from: "2001:db8:1:2:ffff::1", headers })).status,
    429,
  );
  assert.equal(
    (await ask(gateway, "/api/tasks", { from: "2001:db8:1:3::1", headers })).status,
    200,
  );
});

test("limit: guesses at the token for tickets, where Access alone lets administrators in", async (t) => {
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
  assert.equal(await guess(TICKET_TOKEN), 429, "nor with what is right");
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
  assert.equal((await request(TOKEN)).status, 429);
});
