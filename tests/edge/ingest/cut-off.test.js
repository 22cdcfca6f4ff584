// Bodies that end early, are badly chunked, or never come: the sender's fault, answered as one, counted, and logged once
// in a while. They come as bytes on sockets, for no client library would send them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway, sign, TOKEN } from "../support/gateway.js";
import { END, exchange, head } from "../support/raw.js";
import { counted } from "../support/rejections.js";

const BODY = event("task_cut", "queued");

/** By kind of path: a request that would be good, but for its body. */
const PATHS = {
  "/webhooks/vtryon": ["/webhooks/vtryon", `x-vtryon-signature: ${sign(BODY)}`],
  "/api/session": ["/api/session", "content-type: application/json"],
  "/api/endpoints": ["/api/endpoints", `authorization: Bearer ${TOKEN}`],
};

const CHUNKED = "transfer-encoding: chunked";
const INCOMPLETE = [400, "incomplete_body"];
const TIMEOUT = [408, "body_timeout"];

/** What the runtime makes of each, and so the gateway: without a word beside it, HTTP says the same. */
const CASES = [
  {
    name: "half-closed after the head, with a declared length",
    headers: ["content-length: 100"],
    body: [END],
    expect: INCOMPLETE,
  },
  {
    name: "half-closed after the head, chunked",
    headers: [CHUNKED],
    body: [END],
    expect: INCOMPLETE,
  },
  {
    name: "short by a byte",
    headers: [`content-length: ${BODY.length}`],
    body: [BODY.slice(1), END],
    expect: INCOMPLETE,
  },
  {
    name: "a chunk size of zz",
    headers: [CHUNKED],
    body: ["zz\r\n{}\r\n0\r\n\r\n"],
    expect: INCOMPLETE,
  },
  {
    name: "a chunk size of zz after a good chunk",
    headers: [CHUNKED],
    body: ["2\r\n{}\r\nzz\r\n"],
    expect: INCOMPLETE,
  },
  {
    name: "a negative chunk size",
    headers: [CHUNKED],
    body: ["-2\r\n{}\r\n0\r\n\r\n"],
    expect: INCOMPLETE,
  },
  {
    name: "a chunk size past all numbers",
    headers: [CHUNKED],
    body: ["ffffffffffffffffffff\r\n{}\r\n0\r\n\r\n"],
    expect: INCOMPLETE,
  },
  {
    name: "no last chunk, half-closed",
    headers: [CHUNKED],
    body: ["2\r\n{}\r\n", END],
    expect: INCOMPLETE,
  },
  {
    name: "a chunk extension",
    why: "legal (RFC 9112, 7.1.1), but the runtime takes it for a part of the size",
    headers: [CHUNKED],
    body: ["2;name=value\r\n{}\r\n0\r\n\r\n"],
    expect: INCOMPLETE,
  },
  {
    name: "a length and chunks that contradict it",
    why: "the chunks count (RFC 9112, 6.3); that they were meant to be another body can't be excluded",
    headers: ["content-length: 100", CHUNKED],
    body: ["2\r\n{}\r\n0\r\n\r\n"],
    expect: INCOMPLETE,
  },
  {
    name: "nothing after the head",
    headers: ["content-length: 100"],
    body: [],
    expect: TIMEOUT,
  },
  {
    name: "a stall",
    headers: ["content-length: 100"],
    body: ["{"],
    expect: TIMEOUT,
  },
  {
    name: "no last chunk, and the connection stays open",
    headers: [CHUNKED],
    body: ["2\r\n{}\r\n"],
    expect: TIMEOUT,
  },
  {
    name: "a chunk longer than its size",
    why: "the runtime takes the rest for the size of the next chunk, 13 bytes, and waits for them",
    headers: [CHUNKED],
    body: ["2\r\n{}d\r\n0\r\n\r\n"],
    expect: TIMEOUT,
  },
];

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

async function send([path, ...own], { headers, body }) {
  const answer = await exchange(gateway.url, head("POST", path, [...own, ...headers]), ...body);
  return { ...answer, begun: answer.head.split("\r\n")[0] };
}

for (const { name, expect, ...sent } of CASES) {
  test(`${name}: ${expect.join(" ")}`, async () => {
    const answers = await Promise.all(Object.values(PATHS).map((path) => send(path, sent)));
    for (const [nth, path] of Object.keys(PATHS).entries()) {
      const { status, body } = answers[nth];
      assert.notEqual(body, "", `${path}: ${status}`);
      assert.deepEqual([status, JSON.parse(body).error], expect, path);
    }
  });
}

test("a body with trailers after the last chunk is accepted", async () => {
  const chunks = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\nx-checksum: 1\r\n\r\n`;
  const { status } = await send(PATHS["/webhooks/vtryon"], { headers: [CHUNKED], body: [chunks] });
  assert.equal(status, 200);
});

test("each is counted by code and kind of path, and none is an error of the platform", async () => {
  const sent = ([, code]) => CASES.filter(({ expect }) => expect[1] === code).length;
  for (const [path, of] of [
    ["/webhooks/vtryon", 1],
    ["/api/*", 2],
  ]) {
    for (const expect of [INCOMPLETE, TIMEOUT]) {
      const seen = await counted(gateway, expect[1], of * sent(expect), path);
      assert.equal(seen.count, of * sent(expect), `${expect[1]} at ${path}`);
      assert.equal(seen.mistake, null);
      assert.equal(seen.last_sample.head, "");
    }
  }
  assert.doesNotMatch(await gateway.wholeLog(), /platform: |took too long/);
});

test("240 of them write a few lines into the log", async () => {
  const begun = Date.now();
  const [before, known] = [
    (await lines()).length,
    (await counted(gateway, "incomplete_body", 1, "/api/*")).count,
  ];
  const cut = { headers: ["content-length: 100"], body: ["{", END] };
  const paths = Object.values(PATHS);
  for (let round = 0; round < 8; round++) {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, nth) => send(paths[nth % paths.length], cut)),
    );
    for (const { status } of answers) assert.equal(status, 400);
  }
  await counted(gateway, "incomplete_body", known + 160, "/api/*");
  const written = (await lines()).slice(before);
  // Of each of the two causes a line at once, and at every report how many they were since: every ten seconds.
  const reports = 1 + Math.ceil((Date.now() - begun) / 10_000);
  // And one that only shows how far the log has come.
  assert.ok(written.length <= 2 * (1 + reports) + 1, written.join("\n"));
});

/** The lines of the log that are the gateway's; the runtime adds its own. */
async function lines() {
  const all = (await gateway.wholeLog()).split("\n").filter(Boolean);
  return all.filter((line) => !/^(workerd\/|stack: |\s*at )/.test(line));
}
