// Many watch while many events come, and come and go meanwhile: each is told everything from its beginning on, in
// order and once.

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { within } from "../../support/wait.js";
import { named } from "../support/deliveries.js";
import { Gateway, sign } from "../support/gateway.js";
import { live } from "../support/live/streams.js";
import { view } from "../support/live/subscriber.js";

const WATCHED = "task_watched";
const PATHS = ["/api/live/0", live(WATCHED)];
/** So many of each: more than are shown an event in one turn. */
const SUBSCRIBERS = 150;
const ROUNDS = 12;
const AT_ONCE = 8;

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
});
after(() => gateway.stop());

const seqs = (messages) => messages.filter(({ type }) => type === "event").map(({ seq }) => seq);

/**
 * Posts events and insists on their 200, each over a connection of its own: one that was kept may be closed by the
 * runtime at the moment when it is used again, for a round takes as long as one is kept.
 */
function acknowledged(...bodies) {
  const post = (body) =>
    new Promise((resolve, reject) => {
      const headers = { "x-vtryon-signature": sign(body), connection: "close" };
      const url = `${gateway.url}/webhooks/vtryon`;
      const posted = request(url, { method: "POST", headers, agent: false }, (answer) => {
        answer.resume();
        assert.equal(answer.statusCode, 200);
        answer.on("end", resolve);
      });
      posted.on("error", reject);
      posted.end(body);
    });
  return within(`${bodies.length} answers`, Promise.all(bodies.map(post)));
}

test("300 sockets, some of which are cut off and go on elsewhere", async () => {
  const open = async (path, resume) => {
    const subscriber = await view("WebSocket", gateway, path, { resume });
    await subscriber.until("ready");
    return subscriber;
  };
  // A stream is all messages that a subscriber received over its sockets.
  const begin = async (path, isFirst) => ({
    path,
    isFirst,
    subscriber: await open(path),
    received: [],
  });
  const streams = await Promise.all(
    PATHS.flatMap((path) => Array.from({ length: SUBSCRIBERS }, async () => begin(path, true))),
  );
  const goOn = async (stream) => {
    stream.subscriber.cut();
    stream.received.push(...stream.subscriber.messages);
    stream.subscriber = await open(stream.path, stream.subscriber.last);
  };

  for (let round = 0; round < ROUNDS; round++) {
    const tasks = Array.from({ length: AT_ONCE }, (_, nth) => (nth % 2 ? `task_${nth}` : WATCHED));
    const bodies = tasks.map((id, nth) => named(`task.note_${round}_${nth}`, id));
    const moving = streams.filter((_, nth) => nth % ROUNDS === round);
    const [added] = await Promise.all([
      Promise.all(PATHS.map((path) => begin(path, false))),
      acknowledged(...bodies),
      ...moving.map(goOn),
    ]);
    streams.push(...added);
  }
  await acknowledged(named("task.last", WATCHED));

  const { events } = (await gateway.api(`/api/tasks/${WATCHED}`)).body;
  const stored = {
    [PATHS[0]]: Array.from({ length: ROUNDS * AT_ONCE + 1 }, (_, nth) => nth + 1),
    [PATHS[1]]: events.map(({ seq }) => seq),
  };
  for (const { path, isFirst, subscriber, received } of streams) {
    await subscriber.until(({ event }) => event === "task.last");
    subscriber.cut();
    const all = seqs([...received, ...subscriber.messages]);
    assert.deepEqual(all, stored[path].slice(isFirst ? 0 : -all.length), path);
  }
});
