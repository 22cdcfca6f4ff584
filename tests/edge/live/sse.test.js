// SSE from its first line to its end: what a proxy needs to keep it open, and a browser to come back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";
import { live, ready } from "../support/live/streams.js";

const TASK = "task_sse";
const PATHS = ["/api/live", "/api/live/0", live(TASK)];

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
});
after(() => gateway.stop());

test("headers, the time to come back after, comments while nothing comes, and the end after 55 seconds", async (t) => {
  await acknowledged(gateway, event(TASK, "queued"));
  const begun = Date.now();
  await Promise.all(
    PATHS.map(async (path) => {
      const subscriber = await ready(t, "SSE", gateway, path);
      assert.equal(subscriber.headers.get("cache-control"), "no-store, no-transform");
      assert.equal(subscriber.headers.get("x-accel-buffering"), "no");
      assert.equal(subscriber.headers.get("access-control-allow-origin"), null);
      assert.equal(subscriber.retry, "1000");
      assert.deepEqual(await subscriber.ended(), {});
      assert.ok(Date.now() - begun > 50_000, "it lasts");
      assert.ok(subscriber.comments >= 2, `${subscriber.comments} comments`);
      const next = await ready(t, "SSE", gateway, path, { resume: subscriber.last });
      assert.deepEqual(
        next.messages.map(({ type }) => type),
        ["ready"],
      );
    }),
  );
});
