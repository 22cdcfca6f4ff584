// The end of a session closes its sockets, also where nothing is sent over them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { bearer, cookie, now, session } from "../support/api/caller.js";
import { acknowledged, faster } from "../support/deliveries.js";
import { event, Gateway, TOKEN } from "../support/gateway.js";
import { live, ready } from "../support/live/streams.js";

const TASK = "task_expiry";
/** How long the sessions last, in seconds. */
const LENGTH = 8;
/** So long that the runtime puts the object to sleep meanwhile, which it does after 10 seconds. */
const ASLEEP = 20;
/** How much later a socket may be closed, in seconds: docs/reference/live.md says a minute. */
const LATE = 60;

const PATHS = { "one shard": "/api/live/0", "one task": live(TASK), "all shards": "/api/live" };

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
  await acknowledged(gateway, event(TASK, "queued"));
});
after(() => gateway.stop());

/** Opens a socket by a session that ends in so many seconds. */
const bySession = (t, path, seconds) =>
  ready(t, "WebSocket", gateway, path, {
    headers: { ...cookie(session(now() + seconds)), origin: gateway.url },
  });

/** Insists that a socket is closed in time whose session ends in so many seconds. */
async function endedInTime(socket, seconds) {
  const late = sleep((seconds + LATE) * 1000, undefined, { ref: false });
  await Promise.race([
    socket.ended(),
    late.then(() => assert.fail(`still open ${LATE} s after the end of its session`)),
  ]);
  assert.deepEqual(socket.end, { code: 1008 });
}

for (const [what, path] of Object.entries(PATHS)) {
  test(`${what}: an idle socket is closed with 1008 when its session ends`, async (t) => {
    const stays = [
      await bySession(t, path, 3600),
      await ready(t, "WebSocket", gateway, path, { headers: bearer(TOKEN) }),
    ];
    const begun = Date.now();
    const socket = await bySession(t, path, LENGTH);
    await endedInTime(socket, LENGTH);
    assert.ok(Date.now() - begun >= (LENGTH - 1) * 1000, "not before its end");
    for (const { end } of stays) assert.equal(end, undefined, "the others stay");
  });

  test(`${what}: in an hour the admin token has to be sent again`, async (t) => {
    const other = await Gateway.start({
      build: "build-faults",
      bindings: { SHARDS: "1", RETENTION_HOURS: "8760", ...faster(120) },
    });
    t.after(() => other.stop());
    await acknowledged(other, event(TASK, "queued"));
    const socket = await ready(t, "WebSocket", other, path, { headers: bearer(TOKEN) });
    assert.deepEqual(await socket.ended(), { code: 1012 });
  });
}

test("also while its shard sleeps", async (t) => {
  // What the shard remembers in memory alone tells that it slept: the duplicates since the task's last change.
  const duplicates = async () => (await gateway.api(`/api/tasks/${TASK}`)).body.duplicates;
  await acknowledged(gateway, event(TASK, "queued"));
  assert.ok((await duplicates()) > 0);
  const socket = await bySession(t, "/api/live/0", ASLEEP);
  await endedInTime(socket, ASLEEP);
  assert.equal(await duplicates(), 0, "it slept");
});
