// Endpoints that a shard reports to the directory, which disables them in all shards: at once, or after it has asked
// every shard. Where five days matter, they pass in four seconds. When a shard reports is tested on the engine.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import {
  acknowledged,
  attempted,
  deliveries,
  delivery,
  faster,
  named,
} from "../support/deliveries.js";
import { Gateway, until } from "../support/gateway.js";

const SHARDS = 2;
const DAY = 24 * 3_600_000;

const bindings = (scale) => ({
  SHARDS: String(SHARDS),
  RETENTION_HOURS: "87600",
  ...faster(scale),
});

let brisk;
let swift;
before(async () => {
  // A pause after a failure is of this machine's time: on this clock it is far from five days.
  brisk = await Gateway.start({ build: "build-faults", bindings: bindings(2_000) });
  swift = await Gateway.start({ build: "build-faults", bindings: bindings(100_000) });
});
after(async () => {
  await brisk.stop();
  await swift.stop();
});

/** An endpoint that takes one kind of event, and the backend behind it. */
class Endpoint {
  static async register(t, gateway, kind, answer) {
    const endpoint = new Endpoint();
    endpoint.backend = await Backend.start(answer);
    t.after(() => endpoint.backend.stop());
    const { id } = await gateway.register(endpoint.backend.url, { events: [kind] });
    return Object.assign(endpoint, { gateway, kind, id });
  }

  post(task) {
    return acknowledged(this.gateway, named(this.kind, task));
  }

  delivery(task_id, is) {
    return delivery(this.gateway, { task_id, endpoint: this.id }, is);
  }

  async shown() {
    return (await this.gateway.api(`/api/endpoints/${this.id}`)).body;
  }

  change(json) {
    const body = JSON.stringify(json);
    return this.gateway.api(`/api/endpoints/${this.id}`, { method: "PATCH", body });
  }

  /** Waits until it is disabled, and tells why. */
  disabled() {
    return until(async () => (await this.shown()).disabled);
  }

  /** Has another chance: what was held back is delivered, and a new event too. */
  async revive(pending, fresh) {
    this.backend.answer = "ok";
    const before = this.backend.received.length;
    const { status, body } = await this.change({ enabled: true });
    assert.deepEqual([status, body.enabled, body.disabled], [200, true, null]);
    assert.equal((await this.delivery(pending)).state, "delivered");
    await this.post(fresh);
    await this.delivery(fresh);
    const tasks = this.backend.bodies.slice(before).map((body) => JSON.parse(body).task_id);
    assert.deepEqual(tasks.sort(), [pending, fresh].sort());
  }
}

describe("an endpoint", { concurrency: true }, () => {
  test("that answers 410 twice in a row is disabled, and gets its pending deliveries later", async (t) => {
    const endpoint = await Endpoint.register(t, brisk, "gone", "gone");
    await endpoint.post("task_gone");
    const { reason, at } = await endpoint.disabled();
    assert.equal(reason, "gone");
    assert.ok(!Number.isNaN(Date.parse(at)));
    const { state, attempts } = await endpoint.delivery("task_gone", attempted);
    assert.equal(state, "pending", "pending deliveries stay pending");
    assert.deepEqual(
      // More, where it is tried again before the shard hears that it is disabled.
      attempts.slice(0, 2).map(({ status }) => status),
      [410, 410],
    );
    await endpoint.post("task_meanwhile");
    assert.deepEqual(await deliveries(brisk, { task_id: "task_meanwhile" }), []);
    await endpoint.revive("task_gone", "task_after");
  });

  test("that fails for 5 days is disabled, but not before", async (t) => {
    const endpoint = await Endpoint.register(t, swift, "fails", "fail");
    await endpoint.post("task_fails");
    const { reason, at } = await endpoint.disabled();
    assert.equal(reason, "failing");
    const { attempts } = await endpoint.delivery("task_fails", attempted);
    const times = attempts.map((each) => Date.parse(each.attempted_at));
    assert.ok(Date.parse(at) >= times[0] + 5 * DAY, `${attempts[0].attempted_at} to ${at}`);
    assert.ok(times.length > 1, "the first failure did not disable it");
    await endpoint.revive("task_fails", "task_after_fails");
  });
});
