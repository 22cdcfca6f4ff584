// SSE from its first line to its end: what a proxy needs to keep it open, and a browser to come back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged } from "./deliveries.js";
import { event, Gateway } from "./gateway.js";
import { live, ready } from "./streams.js";

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
      const viewer = await ready(t, "SSE", gateway, path);
      assert.equal(viewer.headers.get("cache-control"), "no-store, no-transform");
      assert.equal(viewer.headers.get("x-accel-buffering"), "no");
      assert.equal(viewer.headers.get("access-control-allow-origin"), null);
      assert.equal(viewer.retry, "1000");
      await viewer.ended();
      assert.ok(Date.now() - begun > 50_000, "it lasts");
      assert.ok(viewer.comments >= 3, `${viewer.comments} comments`);
      const next = await ready(t, "SSE", gateway, path, { resume: viewer.last });
      assert.deepEqual(
        next.messages.map(({ type }) => type),
        ["ready"],
      );
    }),
  );
});
