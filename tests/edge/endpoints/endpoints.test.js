// Endpoints: registered, shown without their secrets, changed, rotated, deleted; and what is refused.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { deliveries } from "../support/deliveries.js";
import { event, Gateway, sign, until } from "../support/gateway.js";

/** [what is sent, what the message says] */
const REFUSED = [
  ["not json", "the body is not one JSON object"],
  ["[]", "the body is not one JSON object"],
  ['{"url":"https://a.example/","url":"https://b.example/"}', "each field once"],
  ["", "`url` is missing"],
  ["{}", "`url` is missing"],
  ['{"url":1}', "`url` is not a string"],
  ['{"url":"https://shop.example/","colour":"red"}', "none of url, description"],
  ['{"url":"https://shop.example/","order":"first"}', "`order` is not one of latest, all"],
  ['{"url":"https://shop.example/","statuses":"queued"}', "`statuses` is not an array of strings"],
  ['{"url":"https://shop.example/","statuses":[""]}', "`statuses` has more than"],
  ['{"url":"https://shop.example/","include":["late"]}', "`include` has an entry"],
  ['{"url":"https://shop.example/","enabled":"yes"}', "`enabled` is not true or false"],
  [JSON.stringify({ url: "https://shop.example/", description: "d".repeat(501) }), "`description`"],
];

/** URLs that only a local development may use, and some that nobody may. */
const URLS = [
  "http://shop.example/hook",
  "https://127.0.0.1/hook",
  "https://localhost/hook",
  "https://[::1]/hook",
  "https://2130706433/hook",
  "https://0x7f.1/hook",
  "https://10.0.0.1/hook",
  "https://user:pass@shop.example/hook",
  "https://shop.example:22/hook",
  "https://printer.local/hook",
  "https://shop/hook",
  "https://shop.example/hook#part",
  "https://shöp.example/hook",
  "ftp://shop.example/hook",
  "//shop.example/hook",
];

describe("as deployed", () => {
  let gateway;
  before(async () => {
    gateway = await Gateway.start({ bindings: { ALLOW_INSECURE_ENDPOINTS: undefined } });
  });
  after(() => gateway.stop());

  for (const [body, message] of REFUSED) {
    test(`refused: ${body.slice(0, 60)}`, async () => {
      const answer = await gateway.api("/api/endpoints", { method: "POST", body });
      assert.deepEqual([answer.status, answer.body.error], [400, "invalid_request"]);
      assert.ok(answer.body.message.includes(message), answer.body.message);
    });
  }

  for (const url of URLS) {
    test(`refused: ${url}`, async () => {
      const answer = await gateway.api("/api/endpoints", { json: { url } });
      assert.deepEqual([answer.status, answer.body.error], [400, "invalid_request"]);
      assert.match(answer.body.message, /^`url` /);
    });
  }

  test("there are at most 20, and none is shown with its secret", async () => {
    for (let n = 0; n < 20; n++) await gateway.register(`https://shop.example/${n}`);
    const { status, body } = await gateway.api("/api/endpoints", {
      json: { url: "https://shop.example/20" },
    });
    assert.deepEqual([status, body.error], [409, "conflict"]);
    const { endpoints } = (await gateway.api("/api/endpoints")).body;
    assert.deepEqual(
      endpoints.map(({ url }) => url),
      Array.from({ length: 20 }, (_, n) => `https://shop.example/${n}`),
    );
    assert.ok(!JSON.stringify(endpoints).includes("whsec_"));
  });

  test("an unknown endpoint is answered 404", async () => {
    for (const [method, id] of [
      ["GET", "ep_99"],
      ["PATCH", "ep_99"],
      ["DELETE", "ep_99"],
      ["GET", "99"],
      ["GET", "ep_01"],
      ["GET", "ep_-1"],
    ]) {
      const answer = await gateway.api(`/api/endpoints/${id}`, { method });
      assert.deepEqual([answer.status, answer.body.error], [404, "not_found"], `${method} ${id}`);
    }
    for (const act of ["rotate", "retire", "test"]) {
      const answer = await gateway.api(`/api/endpoints/ep_99/${act}`, { method: "POST" });
      assert.equal(answer.status, 404, act);
    }
  });
});

test("hosts may be named", async (t) => {
  const gateway = await Gateway.start({
    bindings: { ALLOW_INSECURE_ENDPOINTS: undefined, ENDPOINT_HOSTS: "shop.example, *.eu.example" },
  });
  t.after(() => gateway.stop());
  await gateway.register("https://shop.example/hook");
  await gateway.register("https://a.eu.example/hook");
  for (const host of ["other.example", "eu.example", "x.shop.example"]) {
    const url = `https://${host}/`;
    const { status, body } = await gateway.api("/api/endpoints", { json: { url } });
    assert.deepEqual([status, body.error], [403, "forbidden"], host);
    assert.match(body.message, /not among those allowed/);
  }
});

describe("with a backend", () => {
  let gateway;
  let backend;
  before(async () => {
    gateway = await Gateway.start({ bindings: { SHARDS: "2" } });
    backend = await Backend.start();
  });
  after(async () => {
    await gateway.stop();
    await backend.stop();
  });

  const found = (query) => deliveries(gateway, query);

  test("a secret is shown once", async () => {
    const { secret, id } = await gateway.register(backend.url, { description: "first" });
    const shown = (await gateway.api(`/api/endpoints/${id}`)).body;
    assert.equal(shown.description, "first");
    assert.equal(shown.problem, null);
    assert.ok(!JSON.stringify(shown).includes(secret));
    const rotated = (await gateway.api(`/api/endpoints/${id}/rotate`, { method: "POST" })).body;
    assert.notEqual(rotated.secret, secret);
    assert.equal(rotated.secrets.length, 2);
    assert.ok(!(await gateway.wholeLog()).includes("whsec_"));
    await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  });

  test("a test event is delivered, and the answer is its delivery", async () => {
    const { id, secret } = await gateway.register(backend.url);
    backend.received.length = 0;
    const { status, body } = await gateway.api(`/api/endpoints/${id}/test`, { method: "POST" });
    assert.deepEqual([status, body.state, body.event], [200, "delivered", "gateway.test"]);
    const [{ headers, body: sent }] = backend.received;
    assert.equal(headers["x-vtryon-signature"], sign(sent, secret));
    assert.equal(headers["x-vtryon-delivery"], body.id);
    await gateway.api(`/api/endpoints/${id}`, { method: "PATCH", body: '{"enabled":false}' });
    const refused = await gateway.api(`/api/endpoints/${id}/test`, { method: "POST" });
    assert.deepEqual([refused.status, refused.body.error], [409, "conflict"]);
    await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  });

  test("a failed test event says so", async () => {
    const { id } = await gateway.register(backend.url);
    backend.answer = "fail";
    const { body } = await gateway.api(`/api/endpoints/${id}/test`, { method: "POST" });
    assert.deepEqual([body.state, body.attempts[0].status], ["pending", 500]);
    assert.equal(body.attempts[0].answer, "broken");
    backend.answer = "ok";
    await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  });

  test("a test event to an endpoint that hangs says so too", async () => {
    const { id } = await gateway.register(backend.url);
    backend.answer = "hang";
    const { status, body } = await gateway.api(`/api/endpoints/${id}/test`, { method: "POST" });
    assert.deepEqual([status, body.state, body.attempts[0].error], [200, "pending", "timeout"]);
    backend.answer = "ok";
    await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  });

  test("an attempt that a newer event expedites is an extra one: the schedule does not move", async () => {
    backend.answer = "fail";
    const { id } = await gateway.register(backend.url, { order: "all" });
    await gateway.post(event("task_hastened", "queued"));
    const first = async () => (await found({ endpoint: id, task_id: "task_hastened" })).at(-1);
    const { id: delivery, due_at } = await until(async () => {
      const found = await first();
      return found?.due_at && found;
    });
    for (const [nth, status] of ["processing", "completed"].entries()) {
      await gateway.post(event("task_hastened", status));
      const { body } = await until(async () => {
        const shown = await gateway.api(`/api/deliveries/${delivery}`);
        return shown.body.attempts.length === nth + 2 && shown;
      });
      assert.equal(body.due_at, due_at);
      assert.ok(body.attempts.every(({ attempt }) => attempt <= 2));
    }
    backend.answer = "ok";
    await gateway.api(`/api/deliveries/${delivery}/replay`, { method: "POST" });
    await until(async () => {
      const all = await found({ endpoint: id, task_id: "task_hastened", state: "delivered" });
      return all.length === 3;
    });
    const statuses = backend.bodies.slice(-3).map((body) => JSON.parse(body).status);
    assert.deepEqual(statuses, ["queued", "processing", "completed"]);
    await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  });

  test("URLs of the gateway itself are refused in every spelling", async () => {
    for (const url of [`${gateway.url}/webhooks/vtryon`, `${gateway.url}?x`]) {
      const { status, body } = await gateway.api("/api/endpoints", { json: { url } });
      assert.equal(status, 409, url);
      assert.match(body.message, /leads back/);
    }
  });

  test("pending deliveries to a deleted endpoint end", async () => {
    backend.answer = "fail";
    const { id } = await gateway.register(backend.url);
    await gateway.post(event("task_deleted", "queued"));
    await until(async () => (await found({ endpoint: id, state: "pending" }))[0]?.due_at);
    await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
    const [dead] = await until(async () => {
      const dead = await found({ endpoint: id, state: "dead" });
      return dead.length > 0 && dead;
    });
    assert.equal(dead.reason, "endpoint_deleted");
    backend.answer = "ok";
  });

  test("pending deliveries of a disabled endpoint are sent when it is enabled again", async () => {
    backend.answer = "fail";
    const { id } = await gateway.register(backend.url);
    const { id: other } = await gateway.register(backend.url);
    await gateway.post(event("task_held", "queued"));
    const pendingOf = (endpoint) =>
      until(async () => {
        const [pending] = await found({ endpoint, state: "pending" });
        return pending?.due_at && pending.id;
      });
    const [delivery, toOther] = [await pendingOf(id), await pendingOf(other)];
    const set = (enabled) =>
      gateway.api(`/api/endpoints/${id}`, { method: "PATCH", body: JSON.stringify({ enabled }) });
    assert.equal((await set(false)).body.disabled.reason, "administrator");
    backend.answer = "ok";
    const stateOf = async (id) => (await gateway.api(`/api/deliveries/${id}`)).body.state;
    // Both are due at once, but the first one not to an endpoint that is disabled.
    for (const id of [delivery, toOther]) {
      await gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" });
    }
    await until(async () => (await stateOf(toOther)) === "delivered");
    assert.equal(await stateOf(delivery), "pending");
    await gateway.post(event("task_missed", "queued"));
    assert.equal((await set(true)).body.disabled, null);
    await until(async () => (await stateOf(delivery)) === "delivered");
    assert.deepEqual(await found({ endpoint: id, task_id: "task_missed" }), []);
    for (const each of [id, other]) {
      await gateway.api(`/api/endpoints/${each}`, { method: "DELETE" });
    }
  });
});
