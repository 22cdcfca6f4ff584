// Clients that leave an event stream take nothing from others: what is left of their streams is collected while events come.

import { after, before, test } from "node:test";
import { bearer } from "../support/api/caller.js";
import { createToken } from "../support/api/tokens.js";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";
import { live, ready } from "../support/live/streams.js";

const TASK = "task_cut";
const STREAMS = 40;
/** So many bytes that the runtime collects garbage several times. */
const EVENTS = 150;
const PAD = "x".repeat(10 * 1024);

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
});
after(() => gateway.stop());

test("the gateway goes on after many event streams by a token were cut off", async (t) => {
  await acknowledged(gateway, event(TASK, "queued"));
  const headers = bearer((await createToken(gateway, "listen")).token);
  for (const path of ["/api/live", "/api/live/0", live(TASK)]) {
    for (let nth = 0; nth < STREAMS; nth++) {
      const options = { headers, query: { since: "1h" } };
      (await ready(t, "SSE", gateway, path, options)).cut();
    }
  }
  for (let nth = 0; nth < EVENTS; nth++) {
    const long = { event: "rated", task_id: TASK, nth, pad: PAD };
    await acknowledged(gateway, JSON.stringify(long));
  }
});
