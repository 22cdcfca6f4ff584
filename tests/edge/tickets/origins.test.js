// Which pages may use a ticket: those of the gateway's own origin, and those of TICKET_ORIGINS.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";
import { live } from "../support/live/streams.js";
import { refusal, TRANSPORTS, view } from "../support/live/subscriber.js";
import { ticketFor } from "../support/live/tickets.js";

const TASK = "task_origin";
const SHOP = "https://shop.example";
const OTHER = "http://localhost:3000";

let gateway;
let closed;
before(async () => {
  gateway = await Gateway.start({ bindings: { TICKET_ORIGINS: `${SHOP}, ${OTHER}` } });
  closed = await Gateway.start();
  await acknowledged(gateway, event(TASK, "queued"));
});
after(async () => {
  await gateway.stop();
  await closed.stop();
});

/** Tells whether a request of a page is let in, and holds a refusal to its one form. */
async function letIn(at, transport, path, options) {
  try {
    const subscriber = await view(transport, at, path, options);
    subscriber.cut();
    return subscriber;
  } catch (error) {
    assert.deepEqual([error.status, error.error], [403, "forbidden"], error.stack);
    assert.equal(error.headers.get("access-control-allow-origin"), null);
    return undefined;
  }
}

const otherPort = (url) => url.replace(/\d+$/, (port) => String(Number(port) + 1));

/** name: [the origin, by the gateway's URL; whether it may use a ticket where TICKET_ORIGINS is set, and where not] */
const ORIGINS = {
  none: [() => undefined, true, true],
  "the same": [(url) => url, true, true],
  "a listed one": [() => SHOP, true, false],
  "the other listed one": [() => OTHER, true, false],
  "a foreign one": [() => "https://evil.example", false, false],
  "a listed one's subdomain": [() => "https://a.shop.example", false, false],
  "what begins like a listed one": [() => `${SHOP}.evil.example`, false, false],
  "a listed one by another scheme": [() => "http://shop.example", false, false],
  "a listed one on another port": [() => `${SHOP}:444`, false, false],
  "the same on another port": [otherPort, false, false],
  "the same by another scheme": [(url) => url.replace("http:", "https:"), false, false],
  null: [() => "null", false, false],
  "both listed ones": [() => `${SHOP}, ${OTHER}`, false, false],
};
for (const [name, [originOf, ...expected]] of Object.entries(ORIGINS)) {
  for (const transport of TRANSPORTS) {
    test(`ticket by ${transport}, origin: ${name}`, async () => {
      for (const [nth, at] of [gateway, closed].entries()) {
        const origin = originOf(at.url);
        const ticket = await ticketFor(at, TASK);
        const headers = origin === undefined ? {} : { origin };
        const subscriber = await letIn(at, transport, live(TASK), { ticket, headers });
        assert.equal(subscriber !== undefined, expected[nth], nth === 0 ? "listed" : "none listed");
        if (transport === "WebSocket" || !subscriber) continue;
        const isForeign = origin !== undefined && origin !== at.url;
        const allowed = subscriber.headers.get("access-control-allow-origin");
        if (isForeign) assert.equal(allowed, origin);
        else assert.ok([null, origin].includes(allowed), allowed);
        assert.equal(subscriber.headers.get("access-control-allow-credentials"), null);
        assert.match(subscriber.headers.get("vary") ?? "", /\borigin\b/i);
      }
    });
  }
}

test("a page may read why it was refused, and that it is over", async () => {
  const headers = { origin: SHOP };
  const wrong = await refusal("SSE", gateway, live(TASK), { ticket: "wrong", headers });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers.get("access-control-allow-origin"), SHOP);
  const ticket = await ticketFor(gateway, "task_origin_over");
  const subscriber = await view("SSE", gateway, live("task_origin_over"), { ticket, headers });
  await acknowledged(gateway, event("task_origin_over", "completed"));
  assert.deepEqual(await subscriber.ended(), {});
  const options = { ticket, headers, resume: subscriber.last };
  const over = await refusal("SSE", gateway, live("task_origin_over"), options);
  assert.equal(over.status, 204);
  assert.equal(over.headers.get("access-control-allow-origin"), SHOP);
});

/** A browser asks first before it sends a header of the page's own. */
async function preflight(path, origin) {
  const answer = await fetch(`${gateway.url}${path}`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "GET",
      "access-control-request-headers": "last-event-id",
    },
  });
  await answer.text();
  return answer;
}

test("a page of a listed origin may send the last event id, and no other header", async () => {
  const allowed = await preflight(live(TASK), SHOP);
  assert.ok(allowed.ok, `${allowed.status}`);
  const header = (name) => allowed.headers.get(`access-control-allow-${name}`);
  assert.equal(header("origin"), SHOP);
  assert.match(header("headers"), /\blast-event-id\b/i);
  assert.equal(header("credentials"), null);
  for (const [path, origin] of [
    [live(TASK), "https://evil.example"],
    [live(TASK), "null"],
    ["/api/live", SHOP],
    ["/api/tasks", SHOP],
    ["/api/tickets", SHOP],
  ]) {
    const answer = await preflight(path, origin);
    assert.equal(answer.headers.get("access-control-allow-origin"), null, `${path} ${origin}`);
  }
});
