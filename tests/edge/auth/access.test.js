// Cloudflare Access: whom its assertions let in.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ACCESS,
  AUD,
  asserted,
  gatewayOfTeam,
  ISSUER,
  OTHER_AUD,
  Team,
} from "../support/api/access-team.js";
import { ask, bearer, now } from "../support/api/caller.js";
import { Gateway, TOKEN } from "../support/gateway.js";

const token = bearer(TOKEN);
const get = (gateway, headers) => ask(gateway, "/api/tasks", { headers });

const team = new Team();
team.addKey("second");
team.addKey("weak", 1024);
let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: ACCESS, outbound: team.outbound });
});
after(() => gateway.stop());

/** Puts another part in the place of one of the three. */
const part = (nth, change) => () =>
  team
    .assertion()
    .split(".")
    .map((text, at) => (at === nth ? change(text) : text))
    .join(".");
const claims = (claims) => () => team.assertion({ claims });
const made = (options) => () => team.assertion(options);
const payload = (claims) => Buffer.from(JSON.stringify(claims)).toString("base64url");
const anew = (text) => {
  const claims = JSON.parse(Buffer.from(text, "base64url").toString());
  return payload({ ...claims, email: "stranger@example.com" });
};

/** name: [the assertion, what the log says of it; nothing where it lets in] */
const ASSERTIONS = {
  good: [made({})],
  "by the team's other key": [made({ kid: "second" })],
  "of a service token": [claims({ nbf: undefined, email: undefined, sub: "", common_name: "x" })],
  "for one application, as a text": [claims({ aud: AUD })],
  "for the other application": [claims({ aud: OTHER_AUD })],
  "for several, ours among them": [claims({ aud: ["0".repeat(64), AUD] })],
  "from a clock a little ahead": [() => claims({ iat: now() + 30, nbf: now() + 30 })()],
  "of a member beside those that count": [claims({ custom: { roles: ["a", { b: null }] } })],

  "alg none": [made({ alg: "none" }), "RS256"],
  "alg None": [made({ alg: "None", signer: "none" }), "RS256"],
  "alg RS256 without a signature": [made({ signer: "none" }), "signature"],
  "HS256 by the public key": [made({ alg: "HS256" }), "RS256"],
  "HS256 by the public key, called RS256": [made({ signer: "HS256" }), "signature"],
  ES256: [made({ alg: "ES256" }), "RS256"],
  RS512: [made({ alg: "RS512" }), "RS256"],
  "RS512 called RS256": [made({ signer: "RS512" }), "signature"],
  "an extension that has to be understood": [made({ header: { crit: ["exp"] } }), "RS256"],
  "a list of algorithms": [made({ header: { alg: ["RS256"] } }), "RS256"],
  "a key of its own": [made({ key: "second", header: { jwk: {}, jku: ISSUER } }), "signature"],
  "no kid": [made({ header: { kid: undefined } }), "not a signed token"],
  "an unknown kid": [made({ kid: "third", key: "first" }), "a key that the team does not have"],
  "a kid for another purpose": [made({ kid: "curve", key: "first" }), "does not have"],
  "a key that is too weak": [made({ kid: "weak" }), "does not have"],

  "another application": [claims({ aud: ["0".repeat(64)] }), "aud"],
  "an application like ours": [claims({ aud: `${AUD}0` }), "aud"],
  "no application": [claims({ aud: undefined }), "aud"],
  "no application in a list": [claims({ aud: [] }), "aud"],
  "another team": [claims({ iss: "https://evil.cloudflareaccess.com" }), "iss"],
  "a team like ours": [claims({ iss: `${ISSUER}.evil.example` }), "iss"],
  "no team": [claims({ iss: undefined }), "iss"],
  expired: [() => claims({ exp: now() - 1 })(), "exp"],
  "expired in this second": [() => claims({ exp: now() })(), "exp"],
  "never expiring": [claims({ exp: undefined }), "exp"],
  "expiring at a text": [claims({ exp: "9999999999" }), "exp"],
  "not yet": [() => claims({ nbf: now() + 90 })(), "nbf"],
  "made in the future": [() => claims({ iat: now() + 90 })(), "iat"],

  "another payload": [part(1, anew), "signature"],
  "no payload": [part(1, () => ""), "claims nothing"],
  "another signature": [
    part(2, (text) => (text[0] === "A" ? `B${text.slice(1)}` : `A${text.slice(1)}`)),
    "signature",
  ],
  "half a signature": [part(2, (text) => text.slice(0, 120)), "signature"],
  "a signature with padding": [part(2, (text) => `${text}==`), "not a signed token"],
  "a signature in base64": [part(2, () => "+/+/"), "not a signed token"],
  "a header that is no JSON": [part(0, () => "AAAA"), "not a signed token"],
  "a part more": [() => `${team.assertion()}.AAAA`, "not a signed token"],
  "a part less": [() => team.assertion().replace(/\.[^.]*$/, ""), "not a signed token"],
  "a scheme before it": [() => `Bearer ${team.assertion()}`, "not a signed token"],
  "two in one header": [() => `${team.assertion()}, ${team.assertion()}`, "not a signed token"],
  "too long": [claims({ custom: "x".repeat(8192) }), "longer than 8 KiB"],
  garbage: [() => "garbage", "not a signed token"],
  dots: [() => "..", "not a signed token"],
  nothing: [() => "", "not a signed token"],
};
for (const [name, [assertion, reason]] of Object.entries(ASSERTIONS)) {
  test(`assertion: ${name}`, async () => {
    const seen = gateway.log.length;
    const answer = await get(gateway, asserted(assertion()));
    assert.equal(answer.status, reason === undefined ? 200 : 401);
    if (reason === undefined) {
      // The first line is that of the next request.
      await get(gateway, asserted("garbage"));
      const log = await gateway.logged("not a signed token", seen);
      return assert.equal(log.trim().split("\n").length, 1, log);
    }
    assert.equal(answer.error, "unauthorized");
    assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    await gateway.logged(reason, seen);
  });
}

test("an assertion is read from its header alone", async () => {
  const cookie = `CF_Authorization=${team.assertion()}`;
  assert.equal((await get(gateway, { cookie })).status, 401);
  const authorization = `Bearer ${team.assertion()}`;
  assert.equal((await get(gateway, { authorization })).status, 401);
});

test("with Access configured the token is accepted, whatever the assertion is", async () => {
  assert.equal((await get(gateway, token)).status, 200);
  assert.equal((await get(gateway, { ...token, ...asserted("garbage") })).status, 200);
  // And an old session does not keep out whom Access lets in.
  const cookie = "__Host-vtryon_session=1.ab";
  assert.equal((await get(gateway, { cookie, ...asserted(team.assertion()) })).status, 200);
});

test("the log shows no assertion", async () => {
  const log = await gateway.wholeLog();
  assert.ok(!/eyJ|example\.com/.test(log) && !log.includes(AUD), log);
});

test("Access alone: there is no token, and no session", async (t) => {
  const { gateway, team } = await gatewayOfTeam(t, { GATEWAY_ADMIN_TOKEN: undefined });
  const good = asserted(team.assertion());
  assert.equal((await get(gateway, good)).status, 200);
  for (const headers of [{}, token, { authorization: "Bearer " }]) {
    assert.equal((await get(gateway, headers)).status, 401);
    const answer = await ask(gateway, "/api/session", { method: "POST", headers });
    assert.deepEqual([answer.status, answer.error], [404, "not_found"]);
    assert.match(answer.message, /Access/);
  }
  assert.equal((await ask(gateway, "/api/session", { method: "DELETE" })).status, 204);
});
