// A shard that answers nothing any more, for whatever reason of the platform: the others and the directory go on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery, faster, named, taskOf } from "../support/deliveries.js";
import { Gateway, until } from "../support/gateway.js";

const SHARDS = 2;
const HUNG = "fault:hung";
const DAY = 24 * 3_600_000;

let gateway;
let [failing, other] = [];
before(async () => {
  // Five days pass in four seconds.
  const bindings = { SHARDS: String(SHARDS), RETENTION_HOURS: "87600", ...faster(100_000) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  failing = await Backend.start("fail");
  other = await Backend.start("fail");
  await gateway.register(failing.url, { events: ["fails"] });
  await gateway.register(other.url, { events: ["other"] });
});
after(async () => {
  await gateway.stop();
  await failing.stop();
  await other.stop();
});

/** A task of the shard that does not hang. */
const task = (name) => taskOf(1, SHARDS, name);

test("deliveries of another shard go on while its report waits for the one that hangs", async () => {
  const failed = task("failed");
  await acknowledged(gateway, named("hang", HUNG), named("fails", failed));
  await until(async () => {
    const { attempts } = await delivery(gateway, { task_id: failed }, () => true);
    const times = attempts.map((each) => Date.parse(each.attempted_at));
    return times.at(-1) > times[0] + 5 * DAY;
  });
  const later = task("later");
  await acknowledged(gateway, named("other", later));
  await until(() => other.received.length > 0);
  other.answer = "ok";
  await delivery(gateway, { task_id: later });
});

test("the hourly sweep reaches the others, and the directory", async () => {
  assert.equal((await gateway.sweep()).outcome, "ok");
  await gateway.logged("the hourly sweep did not reach shard");
});
