// bodies=1: what was received, byte for byte, with what it was signed with; bodies that can't be read too.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged, taskOf } from "../support/deliveries.js";
import { event, Gateway, PREVIOUS, sign } from "../support/gateway.js";
import { ready, streams } from "../support/live/streams.js";

const SHARDS = 2;
const SHARD = 1;

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: String(SHARDS) } });
});
after(() => gateway.stop());

const mine = (prefix) => taskOf(SHARD, SHARDS, prefix);
const base64 = (body) => Buffer.from(body).toString("base64");
const signed = ({ body, signature }) => ({ body, signature });

for (const [nth, stream] of streams(SHARD, SHARDS).entries()) {
  const { transport, what, path, shards, ofTask } = stream;

  test(`${transport} of ${what}: bodies as they were received, now and later`, async (t) => {
    const id = mine(`task_bodies_${nth}`);
    const head = '{"event":"generation.status_changed","status":"queued","ü":"\\u00fc"';
    const body = ` ${head}, "task_id":"${id}"}\n`;
    const old = event(id, "processing");
    const expected = [
      { body: base64(body), signature: sign(body) },
      { body: base64(old), signature: sign(old, PREVIOUS) },
    ];
    const received = (subscriber) =>
      subscriber
        .all("event")
        .filter((message) => message.task_id === id && message.body !== undefined);

    const query = { bodies: "1" };
    const subscriber = await ready(t, transport, gateway, path(id), { shards, query });
    await acknowledged(gateway, body);
    assert.equal((await gateway.post(old, { signature: sign(old, PREVIOUS) })).status, 200);
    await subscriber.holds(() => received(subscriber).length === 2);
    assert.deepEqual(received(subscriber).map(signed), expected);
    const since = { ...query, since: "1h" };
    const later = await ready(t, transport, gateway, path(id), { shards, query: since });
    assert.deepEqual(received(later).map(signed), expected);
    const without = await ready(t, transport, gateway, path(id), {
      shards,
      query: { since: "1h" },
    });
    assert.deepEqual(received(without), []);
  });

  test(`${transport} of ${what}: signed bodies that can't be read`, async (t) => {
    // Which shard keeps one is its own affair: of so many, each has some.
    const bodies = Array.from({ length: 24 }, (_, n) =>
      Buffer.from(`\xff\xfe ${nth} ${n}`, "latin1"),
    );
    const after = mine(`task_after_${nth}`);
    const query = { bodies: "1" };
    const subscriber = await ready(t, transport, gateway, path(after), { shards, query });
    await acknowledged(gateway, ...bodies);
    await acknowledged(gateway, bodies[0], event(after, "queued"));
    const unread = () => subscriber.all("event").filter(({ outcome }) => outcome === "quarantined");
    await subscriber.until(({ task_id }) => task_id === after);
    const isWhole = shards.length === SHARDS;
    if (isWhole) await subscriber.holds(() => unread().length >= bodies.length);
    const received = unread();
    assert.equal(received.length > 0, !ofTask);
    if (isWhole)
      assert.deepEqual(received.map(({ body }) => body).sort(), bodies.map(base64).sort());
    for (const { body, signature } of received) {
      const sent = bodies.find((each) => base64(each) === body);
      assert.equal(signature, sign(sent));
    }
  });
}
