// Which pages may open an administrator's socket by what a browser adds by itself: the gateway's own alone.
// CORS does not apply to sockets, so any page could open one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AUD, Team } from "../support/api/access-team.js";
import { bearer, cookie, good } from "../support/api/caller.js";
import { Gateway, TOKEN } from "../support/gateway.js";
import { live } from "../support/live/streams.js";
import { refusal, view } from "../support/live/subscriber.js";

const SHOP = "https://shop.example";
const PATHS = ["/api/live", "/api/live/0", live("task_origin")];

const team = new Team();
let gateway;
before(async () => {
  const bindings = { TICKET_ORIGINS: SHOP, ACCESS_TEAM: "acme", ACCESS_AUD: AUD };
  gateway = await Gateway.start({ bindings, outbound: team.outbound });
});
after(() => gateway.stop());

/** Insists that a socket is opened, or refused. */
async function check(isAllowed, path, headers, at = gateway) {
  if (isAllowed) {
    (await view("WebSocket", at, path, { headers })).cut();
  } else {
    const { status, error } = await refusal("WebSocket", at, path, { headers });
    assert.deepEqual([status, error], [403, "forbidden"], path);
  }
}

/** What a browser adds by itself. */
const CREDENTIALS = {
  cookie: () => cookie(good()),
  Access: () => ({ "cf-access-jwt-assertion": team.assertion() }),
};

/** name: [the page's origin by the gateway's URL, whether it may] */
const ORIGINS = {
  "the same": [(url) => url, true],
  none: [() => undefined, false],
  null: [() => "null", false],
  "nothing in it": [() => "", false],
  foreign: [() => "https://evil.example", false],
  "listed for tickets": [() => SHOP, false],
  "another port": [(url) => url.replace(/\d+$/, (port) => String(Number(port) + 1)), false],
  "no port": [(url) => url.replace(/:\d+$/, ""), false],
  "another scheme": [(url) => url.replace("http:", "https:"), false],
  "no scheme": [(url) => url.replace("http://", ""), false],
  "another name for it": [(url) => url.replace("127.0.0.1", "localhost"), false],
  "what begins like it": [(url) => `${url}0`, false],
  "what it begins with": [(url) => url.slice(0, -1), false],
  "with a path": [(url) => `${url}/`, false],
  "two of them": [(url) => `${url}, ${url}`, false],
  "upper case": [(url) => url.toUpperCase(), false],
};
for (const [credential, headersOf] of Object.entries(CREDENTIALS)) {
  for (const [name, [originOf, isAllowed]] of Object.entries(ORIGINS)) {
    test(`socket by ${credential}, origin: ${name}`, async () => {
      const origin = originOf(gateway.url);
      const headers = { ...headersOf(), ...(origin !== undefined && { origin }) };
      for (const path of PATHS) await check(isAllowed, path, headers);
    });
  }

  test(`socket by ${credential}: the host in the case that browsers write it`, async () => {
    const at = { url: gateway.url.replace("127.0.0.1", "localhost") };
    const [lower, upper] = [at.url, at.url.replace("localhost", "LOCALHOST")];
    await check(true, PATHS[1], { ...headersOf(), origin: lower }, at);
    await check(false, PATHS[1], { ...headersOf(), origin: upper }, at);
  });

  test(`SSE by ${credential} needs no origin: no other page can read it`, async () => {
    for (const headers of [headersOf(), { ...headersOf(), origin: "https://evil.example" }]) {
      const subscriber = await view("SSE", gateway, PATHS[1], { headers });
      assert.equal(subscriber.headers.get("access-control-allow-origin"), null);
      subscriber.cut();
    }
  });
}

test("the token works with any origin and without one", async () => {
  for (const headers of [bearer(TOKEN), { ...bearer(TOKEN), origin: "https://evil.example" }]) {
    for (const path of PATHS) await check(true, path, headers);
  }
});
