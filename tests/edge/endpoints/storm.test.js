// Endpoints are registered in the middle of a storm of events: an event whose post begins after the 201 arrives.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { event, Gateway, until } from "../support/gateway.js";

const SENDERS = 12;
const ENDPOINTS = 8;
const EVENTS_BETWEEN = 24;

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "8" } });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

test("every event posted after an endpoint's 201 arrives at it, and none twice", async () => {
  const posted = [];
  let over = false;
  const sender = async (_, n) => {
    for (let m = 0; !over; m++) {
      const task_id = `storm_${n}_${m}`;
      const post = { task_id, place: posted.length };
      posted.push(post);
      // As Vtryon does, whoever gets no answer at all posts again: the runtime may close an idle connection.
      const answer = await until(() =>
        gateway.post(event(task_id, "completed")).catch(() => undefined),
      );
      assert.equal(answer.status, 200);
      post.answered = true;
    }
  };
  const senders = Array.from({ length: SENDERS }, sender);
  const endpoints = [];
  for (let n = 0; n < ENDPOINTS; n++) {
    const path = `/${n}`;
    await gateway.register(new URL(path, backend.url).href);
    const from = posted.length;
    endpoints.push({ path, from });
    await until(() => posted.length >= from + EVENTS_BETWEEN);
  }
  over = true;
  await Promise.all(senders);

  assert.ok(posted.every(({ answered }) => answered));
  const got = (path) =>
    backend.received
      .filter((each) => each.path === path)
      .map(({ body }) => JSON.parse(body).task_id);
  for (const { path, from } of endpoints) {
    const expected = posted.slice(from).map(({ task_id }) => task_id);
    assert.ok(expected.length >= EVENTS_BETWEEN);
    await until(() => {
      const arrived = new Set(got(path));
      return expected.every((task_id) => arrived.has(task_id));
    });
    const all = got(path);
    assert.equal(new Set(all).size, all.length, `none arrives twice at ${path}`);
  }
});
