// Events behind a proxy that compresses and so holds back what it is sent, unless it is told not to.

import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { after, before, test } from "node:test";
import { constants, createGzip } from "node:zlib";
import { within } from "../../support/wait.js";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";
import { live, opened } from "../support/live/streams.js";
import { ticketFor } from "../support/live/tickets.js";

const TASK = "task_proxy";
/** How long a message may take through the proxy, in milliseconds, on a busy machine. A stream lasts 55 seconds. */
const IN_TIME_MS = 20_000;

let gateway;
let proxy;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
  proxy = await startProxy(gateway.url);
});
after(async () => {
  proxy.close();
  await gateway.stop();
});

/**
 * A proxy as nginx and the middlewares for compression are: it compresses for whoever takes that, unless the answer
 * says `no-transform`, and holds back what it is sent, unless it says `x-accel-buffering: no`.
 */
async function startProxy(target) {
  const server = createServer((incoming, outgoing) => {
    const { hostname, port } = new URL(target);
    const { method, headers, url: path } = incoming;
    // The proxy must not compress it.
    const passed = { ...headers, "accept-encoding": "identity" };
    const asked = request({ hostname, port, method, path, headers: passed }, (answer) => {
      const says = (name) => answer.headers[name] ?? "";
      const isCompressed =
        /\bgzip\b/.test(headers["accept-encoding"] ?? "") &&
        !/\bno-transform\b/.test(says("cache-control"));
      const isBuffered = says("x-accel-buffering") !== "no";
      const { "content-length": _, ...passedOn } = answer.headers;
      if (isCompressed) passedOn["content-encoding"] = "gzip";
      outgoing.writeHead(answer.statusCode, passedOn);
      let stream = answer;
      if (isCompressed) stream = answer.pipe(createGzip({ flush: constants.Z_NO_FLUSH }));
      if (isBuffered) {
        stream.toArray().then(
          (chunks) => outgoing.end(Buffer.concat(chunks)),
          () => outgoing.destroy(),
        );
        outgoing.flushHeaders();
      } else {
        stream.pipe(outgoing);
      }
    });
    asked.on("error", () => outgoing.destroy());
    outgoing.on("close", () => asked.destroy());
    incoming.pipe(asked);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

test("the proxy buffers responses that do not forbid it", async () => {
  const answer = await fetch(`${proxy.url}/healthz`, { headers: { "accept-encoding": "gzip" } });
  assert.equal(answer.headers.get("content-encoding"), "gzip");
  assert.equal((await answer.json()).status, "ok");
});

/** what watches: its path, the type of its first message, and whether it has a ticket */
const STREAMS = {
  "a page": [live(TASK), "snapshot", true],
  "one shard": ["/api/live/0", "ready"],
  "one task": [live(TASK), "ready"],
  "all shards": ["/api/live", "ready"],
};
for (const [what, [path, first, isPage]] of Object.entries(STREAMS)) {
  test(`${what}: events come through the proxy as they are stored`, async (t) => {
    const ticket = isPage ? await ticketFor(gateway, TASK) : undefined;
    const opening = opened(t, "SSE", proxy, path, { ticket });
    const subscriber = await within("the head of the stream", opening, IN_TIME_MS);
    assert.equal(subscriber.headers.get("cache-control"), "no-store, no-transform");
    assert.equal(subscriber.headers.get("x-accel-buffering"), "no");
    assert.equal(subscriber.headers.get("content-encoding"), null);
    await within(`the first message, ${first}`, subscriber.until(first), IN_TIME_MS);
    const type = isPage ? "update" : "event";
    const status = isPage ? "queued" : `at ${what}`;
    await acknowledged(gateway, event(TASK, status));
    await within("what was stored since", subscriber.until(type), IN_TIME_MS);
  });
}
