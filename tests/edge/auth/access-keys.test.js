// The keys of Cloudflare Access: fetched once for all who need them, and what happens when they change or can't be had.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Response } from "miniflare";
import { asserted, gatewayOfTeam, ISSUER } from "../support/api/access-team.js";
import { ask, bearer, now } from "../support/api/caller.js";
import { TOKEN, until } from "../support/gateway.js";

const token = bearer(TOKEN);

test("keys: fetched once, from the team's own address", async (t) => {
  const { team, gateway, get, status } = await gatewayOfTeam(t);
  // Nobody who says nothing of Access makes us ask it.
  assert.equal((await ask(gateway, "/api/tasks", { headers: token })).status, 200);
  assert.equal((await get("garbage")).status, 401);
  assert.deepEqual(team.fetches, []);
  for (let nth = 0; nth < 5; nth++) assert.equal(await status(), 200);
  assert.deepEqual(team.fetches, [`${ISSUER}/cdn-cgi/access/certs`]);
});

test("keys: nothing is fetched for an assertion with another audience or an expired one", async (t) => {
  const { team, status } = await gatewayOfTeam(t);
  for (const claims of [{ iss: "https://evil.example" }, { aud: [] }, { exp: now() - 1 }]) {
    assert.equal(await status(team.assertion({ claims })), 401);
  }
  assert.deepEqual(team.fetches, []);
});

/** An answer that comes when the test lets it. */
function delayed(team) {
  const { promise, resolve } = Promise.withResolvers();
  team.answer = async () => {
    await promise;
    return team.certs();
  };
  return resolve;
}

test("keys: requests at the same time share one fetch", async (t) => {
  const { team, status } = await gatewayOfTeam(t);
  const release = delayed(team);
  const statuses = Array.from({ length: 25 }, () => status());
  await until(() => team.fetches.length > 0);
  // Those that come while it is in progress wait for it too.
  const later = Array.from({ length: 25 }, () => status());
  await sleep(200);
  release();
  assert.deepEqual(await Promise.all([...statuses, ...later]), Array(50).fill(200));
  assert.equal(team.fetches.length, 1);
});

test("keys: a fetch continues for the others when the request that began it ends", async (t) => {
  const { team, gateway, status } = await gatewayOfTeam(t);
  const release = delayed(team);
  const leaving = new AbortController();
  const headers = asserted(team.assertion());
  const first = fetch(`${gateway.url}/api/tasks`, { headers, signal: leaving.signal });
  await until(() => team.fetches.length > 0);
  const statuses = Array.from({ length: 5 }, () => status());
  leaving.abort();
  await assert.rejects(first, { name: "AbortError" });
  await sleep(200);
  release();
  assert.deepEqual(await Promise.all(statuses), Array(5).fill(200));
  assert.equal(await status(), 200);
  assert.equal(team.fetches.length, 1);
});

test("keys: requests with a new one share a fetch too", async (t) => {
  const { team, status } = await gatewayOfTeam(t);
  assert.equal(await status(), 200);
  team.addKey("new");
  const release = delayed(team);
  const statuses = Array.from({ length: 10 }, () => status(team.assertion({ kid: "new" })));
  await until(() => team.fetches.length > 1);
  assert.equal(await status(), 200, "one that is known waits for nothing");
  statuses.push(status(team.assertion({ kid: "new" })));
  await sleep(200);
  release();
  assert.deepEqual(await Promise.all(statuses), Array(11).fill(200));
  assert.equal(team.fetches.length, 2);
});

test("keys: one that can't be imported is skipped, and the others are good", async (t) => {
  const { team, gateway, status } = await gatewayOfTeam(t);
  team.addKey("broken");
  team.answer = async () => {
    const { keys } = await team.certs().json();
    const broken = keys.find(({ kid }) => kid === "broken");
    broken.n = "!".repeat(broken.n.length);
    return Response.json({ keys: [broken, ...keys.filter((key) => key !== broken)] });
  };
  assert.equal(await status(), 200);
  assert.equal(await status(team.assertion({ kid: "broken" })), 401, "as one that is not there");
  await gateway.logged("a key of Access is skipped");
});

test("keys: a new one is fetched, an unknown one no more than once in ten seconds", async (t) => {
  const { team, status } = await gatewayOfTeam(t);
  assert.equal(await status(), 200);
  team.addKey("new");
  assert.equal(await status(team.assertion({ kid: "new" })), 200);
  assert.equal(team.fetches.length, 2);
  for (let nth = 0; nth < 5; nth++) {
    assert.equal(await status(team.assertion({ kid: `no-${nth}`, key: "new" })), 401);
  }
  assert.equal(await status(), 200);
  assert.equal(team.fetches.length, 2);
});

const hung = new AbortController();
after(() => hung.abort());

/** How the keys may not be had: what is answered, and what the log says of it. */
const FAULTS = {
  "an error": [() => new Response("no", { status: 500 }), "answered 500"],
  "no such team": [() => new Response("no", { status: 404 }), "answered 404"],
  "no connection": [() => Promise.reject(new Error("refused")), "answered 500"],
  "another address": [
    () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } }),
    "answered 302",
  ],
  "no JSON": [() => new Response("<html>"), "no set of keys"],
  "no keys": [() => Response.json({ keys: [] }), "none for RS256"],
  "another list": [() => Response.json([{ keys: [] }]), "no set of keys"],
  "no answer in 5 seconds": [
    () =>
      new Promise((resolve) => {
        hung.signal.addEventListener("abort", () => resolve(new Response("late")));
      }),
    "took too long",
  ],
};

for (const [name, [answer, reason]] of Object.entries(FAULTS)) {
  test(`keys: ${name}`, async (t) => {
    const { team, gateway, get } = await gatewayOfTeam(t);
    team.answer = answer;
    const refuse = async () => {
      const refused = await get();
      assert.deepEqual([refused.status, refused.error], [503, "unavailable"]);
      const wait = Number(refused.headers.get("retry-after"));
      assert.ok(wait >= 1 && wait <= 10, `${wait} seconds`);
    };
    const begun = Date.now();
    await Promise.all(Array.from({ length: 5 }, refuse));
    await refuse();
    // One is shared, and then there is none for ten seconds.
    const fetches = team.fetches.length;
    assert.ok(fetches >= 1 && fetches <= 1 + (Date.now() - begun) / 10_000, `${fetches} fetches`);
    // The token needs no keys of Access, and a failure to fetch keys does not count against the client.
    assert.equal((await ask(gateway, "/api/tasks", { headers: token })).status, 200);
    const log = await gateway.wholeLog();
    assert.ok(log.includes("the keys of Access can't be had") && log.includes(reason), log);
    assert.equal(log.split("the keys of Access").length - 1, fetches, "each is logged once");
  });
}

test("keys: after the pause they are fetched again", async (t) => {
  // The clock runs 20 times faster: the pause is over after half a second.
  const clock = { CLOCK_SCALE: "20", CLOCK_FROM: String(Date.now()) };
  const { team, status } = await gatewayOfTeam(t, clock, "build-faults");
  team.answer = () => new Response("no", { status: 500 });
  const lasting = () => status(team.assertion({ claims: { exp: now() + 86_400 } }));
  assert.equal(await lasting(), 503);
  team.answer = team.certs;
  await until(async () => (await lasting()) === 200);
  assert.equal(team.fetches.length, 2);
});

test("keys: while they can't be fetched, known keys still verify, and nothing is fetched", async (t) => {
  const { team, status } = await gatewayOfTeam(t);
  assert.equal(await status(), 200);
  team.addKey("new");
  team.answer = () => new Response("no", { status: 500 });
  for (let nth = 0; nth < 5; nth++) {
    assert.equal(await status(), 200);
    assert.equal(await status(team.assertion({ kid: "new" })), 503, "it may be one of the team's");
  }
  assert.equal(team.fetches.length, 2);
});
