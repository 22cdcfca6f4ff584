// Bodies that go on after the answer, or are cut off before they are read, over HTTP/1.1 and HTTP/2.

import assert from "node:assert/strict";
import * as http from "node:http";
import * as http2 from "node:http2";
import { test } from "node:test";
import fastify from "fastify";
import * as forFastify from "vtryon-webhooks/fastify";
import * as forNode from "vtryon-webhooks/node";
import { emitted, until, within } from "../../../tests/support/wait.js";
import { PATH } from "../support/adapters.js";
import { BODY, SECRET, sign } from "../support/completed-event.js";

/** Serves by a handler; returns the URL of the server and how to stop it. */
async function listen(server) {
  server.listen(0, "127.0.0.1");
  await emitted(server, "listening");
  const stop = () => server.close();
  return { url: `http://127.0.0.1:${server.address().port}${PATH}`, stop };
}

async function withFastify(options, settings) {
  const app = fastify(settings);
  app.register(forFastify.vtryonWebhooks, options);
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return { url: `${url}${PATH}`, stop: () => app.close() };
}

/**
 * `begin` begins a request: `message` is written to, and `closed` resolves when the connection, or the stream of HTTP/2, has
 * ended.
 */
const PROTOCOLS = {
  "HTTP/1.1": {
    serve: (handler) => listen(http.createServer(handler)),
    fastify: {},
    begin(url, headers) {
      // The server would close a connection that is not kept alive after the answer.
      const agent = new http.Agent({ keepAlive: true });
      const message = http.request(url, { method: "POST", headers, agent });
      message.on("error", () => {});
      const answered = Promise.withResolvers();
      message.on("response", (response) => answered.resolve(response.resume().statusCode));
      const closed = Promise.withResolvers();
      message.on("socket", (socket) => socket.on("close", closed.resolve));
      return {
        message,
        status: answered.promise,
        closed: closed.promise,
        cutOff: () => message.destroy(),
        leave: () => agent.destroy(),
      };
    },
  },
  "HTTP/2": {
    serve: (handler) => listen(http2.createServer(handler)),
    fastify: { http2: true },
    begin(url, headers) {
      const session = http2.connect(url).on("error", () => {});
      const message = session.request({ ":method": "POST", ":path": PATH, ...headers });
      message.on("error", () => {});
      const answered = Promise.withResolvers();
      message.on("response", (head) => answered.resolve(head[":status"]));
      const closed = Promise.withResolvers();
      message.resume().on("close", closed.resolve);
      return {
        message,
        status: answered.promise,
        closed: closed.promise,
        cutOff: () => message.close(http2.constants.NGHTTP2_CANCEL),
        leave: () => session.destroy(),
      };
    },
  },
};

const signature = sign(BODY);
const malformed = { "x-vtryon-signature": "ab" };

/** The headers, what is sent at first, whether it goes on after the answer, and the answer. */
const CASES = [
  ["refused, and the body goes on", malformed, "x", true, 401],
  ["refused, and the body stalls", malformed, "x", false, 401],
  [
    "declared too long, and the body stalls",
    { "x-vtryon-signature": signature, "content-length": 300 * 1024 },
    "x",
    false,
    413,
  ],
  ["a body that stalls", { "x-vtryon-signature": signature }, BODY.slice(0, -1), false, 408],
];

const PIECE = Buffer.alloc(64 * 1024, "x");

/** Begins a request, and leaves after `work` whatever has become of it. */
async function during(begun, work) {
  try {
    await work(begun);
  } finally {
    begun.leave();
  }
}

/** Sends until the server has had enough. */
async function goOn({ message, closed }) {
  let isClosed = false;
  closed.then(() => {
    isClosed = true;
  });
  while (!isClosed) {
    const written = new Promise((resolve) => message.write(PIECE, resolve));
    await Promise.race([written, closed]);
  }
}

for (const [protocol, { serve, fastify: settings, begin }] of Object.entries(PROTOCOLS)) {
  for (const [adapter, start] of Object.entries({
    node: (options) => serve(forNode.vtryonWebhooks(options)),
    fastify: (options) => withFastify(options, settings),
  })) {
    test(`${adapter}, ${protocol}: the server ends it`, { concurrency: true }, async (t) => {
      const onEvent = () => assert.fail("no event");
      const options = { secrets: SECRET, deadlineMs: 300, onEvent, onError: () => {} };
      const { url, stop } = await start(options);
      t.after(stop);
      const sent = CASES.map(([name, headers, first, goesOn, expected]) =>
        t.test(name, () =>
          during(begin(url, headers), async (request) => {
            request.message.write(first);
            assert.equal(await within("the answer", request.status), expected);
            if (goesOn) await within("the end of what is read", goOn(request));
            await within("the end of the request", request.closed);
          }),
        ),
      );
      await Promise.all(sent);
    });

    test(`${adapter}, ${protocol}: an event is handled`, async (t) => {
      const events = [];
      const onEvent = ({ task_id }) => void events.push(task_id);
      const { url, stop } = await start({ secrets: SECRET, onEvent });
      t.after(stop);
      await during(begin(url, { "x-vtryon-signature": signature }), async (request) => {
        request.message.end(BODY);
        assert.equal(await within("the answer", request.status), 200);
      });
      assert.deepEqual(events, ["task_1"]);
    });
  }

  test(`node, ${protocol}: a body that is cut off before it is read is the sender's fault`, async (t) => {
    const faults = [];
    const receive = forNode.vtryonWebhooks({
      secrets: SECRET,
      onEvent: () => assert.fail("no event"),
      onError: ({ code }) => faults.push(code),
    });
    const arrived = Promise.withResolvers();
    // Like a middleware that asks a database before.
    const { url, stop } = await serve(async (request, response) => {
      arrived.resolve();
      await within("its end", new Promise((resolve) => request.on("close", resolve)));
      await receive(request, response);
    });
    t.after(stop);
    await during(begin(url, { "x-vtryon-signature": signature }), async (request) => {
      request.message.write(BODY.slice(0, -1));
      await within("the request", arrived.promise);
      request.cutOff();
      await until(() => faults.length > 0);
    });
    assert.deepEqual(faults, ["incomplete_body"]);
  });
}
