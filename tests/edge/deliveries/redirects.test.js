// A redirect is not followed, and its attempt shows where it leads: the host alone, for the rest may hold secrets.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { attempted, deliverEach, deliveries, delivery } from "../support/deliveries.js";
import { Gateway } from "../support/gateway.js";

/** The endpoint's own host. */
const OWN = "own";

/** [the name, the status, the header, the host that is shown] */
const CASES = [
  ["path", 302, "/elsewhere?token=secret", OWN],
  ["empty", 302, "", undefined],
  ["away", 301, "https://me:secret@WWW.Shop.example:8443/hook?a=b#c", "www.shop.example:8443"],
  ["port_of_the_scheme", 308, "https://www.shop.example:443/", "www.shop.example"],
  ["scheme_relative", 307, "//www.shop.example/", "www.shop.example"],
  ["letters", 301, Buffer.from("//bücher.example/").toString("latin1"), "xn--bcher-kva.example"],
  ["address", 303, "http://[::1]:3000/", "[::1]:3000"],
  ["no_host", 301, "http://", undefined],
  ["mail", 301, "mailto:me@shop.example", undefined],
  ["too_long", 301, `https://${"a.".repeat(130)}example/`, undefined],
  ["no_location", 301, undefined, undefined],
  ["created", 201, "https://www.shop.example/", undefined],
];

let gateway;
let backend;
before(async () => {
  backend = await Backend.start(({ path, response }) => {
    const [, status, location] = CASES.find(([name]) => path === `/${name}`);
    response.writeHead(status, location === undefined ? {} : { location }).end();
  });
  gateway = await Gateway.start();
  await deliverEach(
    gateway,
    backend,
    CASES.map(([name]) => name),
  );
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

for (const [name, status, location, expected] of CASES) {
  test(`${status} to ${String(location).slice(0, 50)}`, async () => {
    const host = expected === OWN ? new URL(backend.url).host : expected;
    const { attempts } = await delivery(gateway, { task_id: `task_${name}` }, attempted);
    assert.deepEqual([attempts[0].status, attempts[0].location_host], [status, host]);
    const [listed] = await deliveries(gateway, { task_id: `task_${name}` });
    assert.equal(listed.attempts[0].location_host, host, "in a listing too");
    assert.ok(!JSON.stringify(attempts).includes("secret"));
  });
}

test("no redirect is followed", () => {
  assert.deepEqual(
    backend.received.map(({ path }) => path).sort(),
    CASES.map(([name]) => `/${name}`).sort(),
  );
});
