// Who is not let in to live updates, what is refused before a stream begins, and what ends one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, bearer, cookie, elsewhere, good } from "../support/api/caller.js";
import { acknowledged, taskOf } from "../support/deliveries.js";
import { event, Gateway, TOKEN } from "../support/gateway.js";
import { opened, ready } from "../support/live/streams.js";
import { refusal, TRANSPORTS, view } from "../support/live/subscriber.js";
import { exchange, head } from "../support/raw.js";

const SHARDS = 2;
const TASK = taskOf(0, SHARDS, "task_refused");
const PATHS = ["/api/live", "/api/live/0", `/api/tasks/${TASK}/live`];

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: String(SHARDS) } });
  await acknowledged(gateway, event(TASK, "queued"));
});
after(() => gateway.stop());

const admin = (path, init = {}) =>
  ask(gateway, path, { ...init, headers: { ...bearer(TOKEN), ...init.headers } });

/** name: the headers of whoever is not let in */
const STRANGERS = {
  nobody: {},
  "a wrong token": bearer("wrong"),
  "a wrong session": cookie("1.0"),
};
for (const transport of TRANSPORTS) {
  for (const path of PATHS) {
    for (const [name, headers] of Object.entries(STRANGERS)) {
      test(`${transport} ${path}: ${name}`, async () => {
        const { status, error } = await refusal(transport, gateway, path, { headers });
        assert.deepEqual([status, error], [401, "unauthorized"]);
      });
    }
  }
}

/** [what is asked besides, on which paths] */
const WRONG = [
  [{ cursor: "" }],
  [{ cursor: "next" }],
  [{ cursor: "0" }],
  [{ cursor: "-1" }],
  [{ cursor: "x".repeat(10_000) }],
  [{ since: "" }],
  [{ since: "30" }],
  [{ since: "-1h" }],
  [{ since: "1.5h" }],
  [{ since: "+1h" }],
  [{ since: "1H" }],
  [{ since: "yesterday" }],
  [{ since: "2026-02-30T00:00:00Z" }],
  [{ since: "2026-01-01" }],
  [{ since: "99999999999999999999d" }],
  [{ bodies: "" }],
  [{ bodies: "2" }],
  [{ bodies: "true" }],
  [{ limit: "5" }],
];
for (const [query] of WRONG) {
  const name = new URLSearchParams(query).toString().slice(0, 60);
  test(`invalid: ?${name}`, async () => {
    for (const path of PATHS) {
      for (const transport of TRANSPORTS) {
        const { status, error } = await refusal(transport, gateway, path, { query });
        assert.deepEqual([status, error], [400, "invalid_request"], `${transport} ${path}`);
      }
    }
  });
}

for (const [nth, path] of PATHS.entries()) {
  test(`invalid: cursors of ${path} that are not whole, or another stream's`, async (t) => {
    const cursor = (await ready(t, "SSE", gateway, path, { shards: nth === 0 ? [0, 1] : [0] }))
      .last;
    const wrong = async (transport, at, options, expected = [400, "invalid_request"]) => {
      const { status, error } = await refusal(transport, gateway, at, options);
      assert.deepEqual([status, error], expected, JSON.stringify(options));
    };
    for (const transport of TRANSPORTS) {
      await wrong(transport, path, { resume: `${cursor}x` });
      await wrong(transport, path, { resume: `x${cursor}` });
      await wrong(transport, path, { resume: "1.3.0_1" }, [409, "conflict"]);
      // One of all shards is good for each of them.
      if (nth > 0) await wrong(transport, "/api/live/1", { resume: cursor }, [409, "conflict"]);
    }
  });
}

/** [a path that nothing is behind, the answer] */
const NOWHERE = [
  ["/api/live/2", 404],
  ["/api/live/-1", 404],
  ["/api/live/00", 404],
  ["/api/live/x", 404],
  ["/api/live/99999999999", 404],
  [`/api/tasks/${"x".repeat(257)}/live`, 400],
  ["/api/tasks/a%0Ab/live", 400],
];
for (const [path, expected] of NOWHERE) {
  test(`there is no ${path.slice(0, 40)}`, async () => {
    for (const transport of TRANSPORTS) {
      assert.equal((await refusal(transport, gateway, path)).status, expected);
    }
  });
}

test("without a stream: the number of shards, or a refusal", async () => {
  const { status, body } = await gateway.api("/api/live");
  assert.deepEqual([status, body], [200, { shards: SHARDS }]);
  for (const path of PATHS.slice(1)) {
    const { status, body } = await gateway.api(path);
    assert.deepEqual([status, body.error], [400, "invalid_request"], path);
  }
});

test("other methods", async () => {
  for (const path of PATHS) {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await admin(path, { method });
      assert.deepEqual([answer.status, answer.error], [405, "method_not_allowed"], path);
      assert.ok(answer.headers.get("allow").split(", ").includes("GET"));
    }
    // A stream without a body is not opened, and no request waits for it.
    const streaming = { accept: "text/event-stream" };
    const expected = path === "/api/live" ? 200 : 400;
    for (const headers of [{}, streaming]) {
      const answer = await admin(path, { method: "HEAD", headers });
      assert.equal(answer.status, expected, path);
    }
  }
});

test("an upgrade to something else is no stream", async () => {
  const headers = [
    `authorization: ${bearer(TOKEN).authorization}`,
    "upgrade: h2c",
    "connection: upgrade",
  ];
  const request = head("GET", "/api/live/0", headers).replace("connection: close\r\n", "");
  assert.equal((await exchange(gateway.url, request)).status, 400);
});

/** What a subscriber may not say. */
const JUNK = [
  "hello",
  "",
  "PING",
  "ping ",
  "null",
  "[]",
  "{}",
  '{"type":"subscribe"}',
  '{"type":"ack"}',
  '{"type":"ack","id":null}',
  '{"type":"ack","id":7}',
  '{"type":"ack","id":"x"}',
  `{"type":"ack","id":"${"x".repeat(100_000)}"}`,
  Buffer.from("ping"),
  Buffer.from([0xff, 0xfe]),
];
for (const path of PATHS) {
  test(`${path}: invalid messages are closed with 1008, and other sockets are not affected`, async (t) => {
    const shards = path === PATHS[0] ? [0, 1] : [0];
    const other = await ready(t, "WebSocket", gateway, path, { shards });
    for (const junk of JUNK) {
      const subscriber = await view("WebSocket", gateway, path);
      await subscriber.until("ready");
      subscriber.send(junk);
      assert.deepEqual(await subscriber.ended(), { code: 1008 }, String(junk).slice(0, 60));
    }
    const before = other.pongs;
    other.send("ping");
    await other.holds(() => other.pongs > before);
    await acknowledged(gateway, event(TASK, `paused ${path}`));
    await other.until("event");
  });
}

test("a session opens SSE as it does any other GET", async (t) => {
  const headers = { ...cookie(good()), "cf-connecting-ip": elsewhere() };
  for (const path of PATHS) {
    const subscriber = await opened(t, "SSE", gateway, path, { headers });
    await subscriber.until("ready");
  }
});
