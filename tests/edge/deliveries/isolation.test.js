// An endpoint that hangs is its own problem alone: neither Vtryon nor any other endpoint waits for it.
// What is compared is the order of events: all else is done while what hangs is still open, which is 20 seconds.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { ANSWERS, Backend } from "../support/backends/backend.js";
import { acknowledged, attempted, deliveries, delivery, named } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";

/** Few, so that the last one is sent before the first one is given up. */
const EVENTS = 8;

let gateway;
let backend;
before(async () => {
  // One shard, so that nothing gets past another by chance.
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

/** Every event goes to every endpoint that takes it, so each test has its own alone. */
afterEach(async () => {
  const { endpoints } = (await gateway.api("/api/endpoints")).body;
  for (const { id } of endpoints) await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
});

const at = (path) => new URL(path, backend.url).href;
const received = (path) => backend.received.filter((each) => each.path === path);

/** Registers an endpoint at a path that will hang, with the longest timeout whose first attempts the Worker makes. */
const patient = (path, more) => gateway.register(at(path), { timeout_seconds: 20, ...more });

/** Lets some paths hang until they are given up; returns the bodies that were given up so far. */
function hang(...paths) {
  const over = [];
  backend.answer = (exchange) => {
    if (!paths.includes(exchange.path)) return ANSWERS.ok(exchange);
    exchange.response.on("close", () => over.push(String(exchange.body)));
  };
  return over;
}

test("neither the acknowledgement nor another endpoint waits for one that hangs", async () => {
  const over = hang("/hung");
  await patient("/hung");
  await gateway.register(at("/good"));
  const bodies = Array.from({ length: EVENTS }, (_, n) => event(`task_${n}`, "completed"));
  for (const body of bodies) {
    await acknowledged(gateway, body);
    const hasCome = (path) => received(path).some((each) => String(each.body) === body);
    await until(() => hasCome("/good") && hasCome("/hung"));
    assert.ok(!over.includes(body), "what hangs is still open");
  }
  assert.deepEqual(
    received("/good")
      .map(({ body }) => String(body))
      .sort(),
    bodies.sort(),
  );
});

test("many failing endpoints that hang do not delay a healthy one", async () => {
  const known = Array.from({ length: 6 }, (_, n) => `/known_${n}`);
  for (const path of known) await patient(path);
  await gateway.register(at("/last"));
  const fails = ({ path }) => known.includes(path);
  backend.answer = (exchange) => ANSWERS[fails(exchange) ? "fail" : "ok"](exchange);
  await acknowledged(gateway, event("task_known", "queued"));
  await until(async () => {
    const all = await deliveries(gateway, { task_id: "task_known" });
    return all.every(attempted);
  });

  const over = hang(...known);
  await acknowledged(gateway, event("task_after", "queued"));
  await until(() => received("/last").length === 2);
  assert.deepEqual(over, [], "what hangs is still open");
});

test("many endpoints that hang all of a sudden do not delay a healthy one", async () => {
  const hung = Array.from({ length: 6 }, (_, n) => `/sudden_${n}`);
  for (const path of hung) await patient(path);
  await gateway.register(at("/healthy"));
  const over = hang(...hung);
  await acknowledged(gateway, event("task_sudden", "queued"));
  await until(() => received("/healthy").length === 1);
  assert.deepEqual(over, [], "what hangs is still open");
});

test("a replay to one endpoint does not wait for a retry to another that hangs", async () => {
  const bad = await patient("/bad", { events: ["bad"] });
  const well = await gateway.register(at("/well"), { events: ["well"] });
  backend.answer = "fail";
  await acknowledged(gateway, named("bad"), named("well"));
  const failed = await delivery(gateway, { endpoint: bad.id }, attempted);
  const other = await delivery(gateway, { endpoint: well.id }, attempted);

  const over = hang("/bad");
  await gateway.api(`/api/deliveries/${failed.id}/replay`, { method: "POST" });
  await until(() => received("/bad").length === 2);
  await gateway.api(`/api/deliveries/${other.id}/replay`, { method: "POST" });
  await until(() => received("/well").length === 2);
  assert.deepEqual(over, [], "what hangs is still open");
});

test("an event that waits for the one before it does not wait for another endpoint that hangs", async () => {
  const bad = await patient("/stuck", { events: ["stuck"] });
  await gateway.register(at("/all"), { order: "all" });
  backend.answer = "fail";
  await acknowledged(gateway, named("stuck"));
  const failed = await delivery(gateway, { endpoint: bad.id }, attempted);

  const over = hang("/stuck");
  await gateway.api(`/api/deliveries/${failed.id}/replay`, { method: "POST" });
  await until(() => received("/stuck").length === 2);
  const others = backend.answer;
  let release;
  backend.answer = (exchange) => {
    if (exchange.path === "/all" && !release) release = () => ANSWERS.ok(exchange);
    else others(exchange);
  };
  const bodies = ["queued", "processing", "completed"].map((status) => event("task_line", status));
  for (const body of bodies) await acknowledged(gateway, body);
  (await until(() => release))();
  await until(() => received("/all").length === bodies.length);
  assert.deepEqual(over, [], "what hangs is still open");
  assert.deepEqual(
    received("/all").map(({ body }) => String(body)),
    bodies,
  );
});
