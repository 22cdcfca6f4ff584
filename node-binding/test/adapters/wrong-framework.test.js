// Every adapter with the requests of every other framework: it never rejects, it answers 500, and it says what to do.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { Hono } from "hono";
import * as forExpress from "vtryon-webhooks/express";
import * as forFastify from "vtryon-webhooks/fastify";
import * as forHono from "vtryon-webhooks/hono";
import * as forNode from "vtryon-webhooks/node";
import * as forWeb from "vtryon-webhooks/web";
import { emitted } from "../../../tests/support/wait.js";
import { BODY, SECRET, sign } from "../support/completed-event.js";

const HEADERS = { "x-vtryon-signature": sign(BODY) };
const request = () =>
  new Request("https://shop.example/", { method: "POST", body: BODY, headers: HEADERS });

const nodeRequest = () => ({ method: "POST", headers: { ...HEADERS }, on() {}, off() {} });

/** A response of node:http that keeps what it is answered with. */
function nodeResponse() {
  return {
    headersSent: false,
    destroyed: false,
    writeHead(status) {
      this.status = status;
      return this;
    },
    end(body) {
      this.body = body;
    },
  };
}

const throwing = new Proxy(
  {},
  {
    get() {
      throw new Error("mine");
    },
  },
);

const useWeb = /there is the adapter `vtryon-webhooks\/web`/;
const useNode = /there are the adapters `vtryon-webhooks\/node` and `vtryon-webhooks\/express`/;
const useHono = /there is the adapter `vtryon-webhooks\/hono`/;
const useFastify = /`app\.register\(vtryonWebhooks, \{ onEvent \}\)`/;
const passRequest = /pass `event\.request` to the handler of `vtryon-webhooks\/web`/;
const noRequest = /what it was given is no request/;

// What frameworks pass to a handler, and what the adapters that do not take it say.
const GIVEN = {
  "a Request": [() => [request()], useWeb, ["web"]],
  "an event of SvelteKit": [
    () => [{ request: request(), url: new URL("https://a/"), locals: {} }],
    passRequest,
  ],
  "a context of Astro": [() => [{ request: request(), params: {}, cookies: {} }], passRequest],
  "arguments of Remix": [() => [{ request: request(), params: {}, context: {} }], passRequest],
  "a context of Cloudflare Pages": [
    () => [{ request: request(), env: {}, next() {}, waitUntil() {} }],
    passRequest,
  ],
  "an event of h3, version 2": [
    () => [{ req: request(), url: new URL("https://a/") }],
    /pass `event\.req` to the handler of `vtryon-webhooks\/web`/,
  ],
  "an event of h3, version 1": [
    () => [{ node: { req: nodeRequest(), res: nodeResponse() } }],
    /pass `event\.node\.req` and `event\.node\.res`/,
  ],
  "a context of Koa": [
    () => [{ req: nodeRequest(), res: nodeResponse(), request: {}, response: {} }, () => {}],
    /pass `context\.req` and `context\.res` to the handler of `vtryon-webhooks\/node`/,
  ],
  "a context of Hono": [() => [{ req: { raw: request(), bodyCache: {} } }], useHono, ["hono"]],
  "a request and a response of node:http (Pages of Next.js, Express)": [
    () => [nodeRequest(), nodeResponse()],
    useNode,
    // They are taken: see below.
    ["node", "express"],
  ],
  "a request of Fastify": [
    () => [{ raw: nodeRequest(), body: undefined }, { raw: nodeResponse() }],
    useFastify,
  ],
  "an event of a cloud function": [
    () => [{ httpMethod: "POST", headers: HEADERS, body: BODY }, {}],
    /call `constructEvent` with its headers and the bytes of its body/,
  ],
  nothing: [() => [], noRequest],
  null: [() => [null], noRequest],
  "a text": [() => [BODY], noRequest],
  "a parsed body": [() => [JSON.parse(BODY)], noRequest],
  "what throws when it is looked at": [() => [throwing, throwing], noRequest],
};

const ADAPTERS = {
  web: forWeb.vtryonWebhooks,
  hono: forHono.vtryonWebhooks,
  node: forNode.vtryonWebhooks,
  express: forExpress.vtryonWebhooks,
};

/** Whatever was answered, by whichever way there is. */
async function answerOf(returned, [first, second]) {
  const response = [second, first?.res, first?.node?.res, second?.raw].find(
    (each) => each?.status !== undefined,
  );
  if (response !== undefined) return [response.status, JSON.parse(response.body)];
  return [returned.status, await returned.json()];
}

for (const [adapter, make] of Object.entries(ADAPTERS)) {
  for (const [name, [given, advice, takers = []]] of Object.entries(GIVEN)) {
    if (takers.includes(adapter)) continue;
    test(`${adapter} given ${name} answers 500 with advice`, async () => {
      const faults = [];
      const handler = make({
        secrets: SECRET,
        onEvent: () => assert.fail("no event"),
        onError: (fault) => faults.push(fault),
      });
      const args = given();
      const safe = args[0] === throwing ? [] : args;
      const [status, { error, message }] = await answerOf(await handler(...args), safe);
      assert.deepEqual([status, error], [500, "invalid_option"]);
      assert.match(message, advice);
      assert.ok(message.startsWith(`this is the adapter \`vtryon-webhooks/${adapter}\`: `));
      assert.deepEqual(
        faults.map((fault) => [fault.code, fault.message]),
        [["invalid_option", message]],
      );
    });
  }
}

test("by default it is logged once in ten seconds", async (t) => {
  const log = t.mock.method(console, "error", () => {});
  const handler = forWeb.vtryonWebhooks({ secrets: SECRET, onEvent: () => {} });
  for (let times = 0; times < 9; times += 1) await handler({ request: request() });
  assert.equal(log.mock.callCount(), 1);
  assert.match(log.mock.calls[0].arguments[1], passRequest);
});

for (const adapter of ["node", "express"]) {
  const make = ADAPTERS[adapter];
  const answered = async (sent, response = nodeResponse()) => {
    const handler = make({ secrets: SECRET, onEvent: () => {}, onError: () => {} });
    assert.equal(await handler(sent, response), undefined);
    return [response.status, JSON.parse(response.body)];
  };

  test(`${adapter}: a mocked request that is no stream is answered payload_not_raw`, async () => {
    const [status, { error }] = await answered(nodeRequest());
    assert.deepEqual([status, error], [500, "payload_not_raw"]);
  });

  test(`${adapter}: a request with throwing getters is answered 500`, async () => {
    const sent = Object.defineProperty(nodeRequest(), "body", {
      get() {
        throw new Error("a parser that failed");
      },
    });
    assert.deepEqual((await answered(sent))[0], 500);
    for (const name of ["method", "headers"]) {
      const thrower = Object.defineProperty(nodeRequest(), name, {
        get() {
          throw new Error("mine");
        },
      });
      assert.deepEqual((await answered(thrower))[0], 500);
    }
  });

  test(`${adapter}: a response that throws does not reject`, async () => {
    const broken = {
      ...nodeResponse(),
      writeHead() {
        throw new Error("closed");
      },
    };
    const faults = [];
    const handler = make({
      secrets: SECRET,
      onEvent: () => {},
      onError: (fault) => faults.push(fault.message),
    });
    await handler({ ...nodeRequest(), method: "GET" }, broken);
    assert.ok(faults.includes("closed"));
  });
}

test("express: a mocked request with the bytes in rawBody is accepted", async () => {
  const events = [];
  const handler = forExpress.vtryonWebhooks({
    secrets: SECRET,
    onEvent: (event) => events.push(event),
  });
  const response = nodeResponse();
  await handler({ ...nodeRequest(), rawBody: Buffer.from(BODY) }, response);
  assert.deepEqual([response.status, events.length], [200, 1]);
});

/** Serves until the test has ended; returns what posts the good event. */
async function served(t, handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await emitted(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address();
  return () => fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: BODY, headers: HEADERS });
}

// The same in the frameworks themselves, where an answer that does not come would keep the client waiting.
const options = { secrets: SECRET, onEvent: () => {}, onError: () => {} };
const REAL = {
  "web in Express 5": [
    (t) => served(t, express().post("/", forWeb.vtryonWebhooks(options))),
    useNode,
  ],
  "web in Express 4": [
    (t) => served(t, express4().post("/", forWeb.vtryonWebhooks(options))),
    useNode,
  ],
  "web in node:http": [(t) => served(t, forWeb.vtryonWebhooks(options)), useNode],
  "hono in Express 4": [
    (t) => served(t, express4().post("/", forHono.vtryonWebhooks(options))),
    useNode,
  ],
  "the plugin of Fastify in Express 4": [
    (t) => {
      t.mock.method(console, "error", () => {});
      return served(t, express4().post("/", forFastify.vtryonWebhooks));
    },
    useNode,
  ],
  "node in Hono": [
    () => {
      const app = new Hono().post("/", forNode.vtryonWebhooks(options));
      return () => app.request("/", { method: "POST", body: BODY, headers: HEADERS });
    },
    useHono,
  ],
  ...Object.fromEntries(
    ["web", "node", "express"].map((adapter) => [
      `${adapter} in Fastify`,
      [
        async (t) => {
          const app = fastify();
          app.post("/", ADAPTERS[adapter](options));
          const address = await app.listen({ port: 0, host: "127.0.0.1" });
          t.after(() => app.close());
          const headers = { ...HEADERS, "content-type": "application/json" };
          return () => fetch(address, { method: "POST", body: BODY, headers });
        },
        useFastify,
      ],
    ]),
  ),
};
for (const [name, [start, advice]] of Object.entries(REAL)) {
  test(`${name}: the client is answered`, async (t) => {
    const post = await start(t);
    const answer = await post();
    assert.equal(answer.status, 500);
    assert.match((await answer.json()).message, advice);
  });
}

for (const [name, args] of [
  ["options alone", [{ onEvent: () => {} }]],
  ["nothing", []],
]) {
  test(`the plugin of Fastify is called with ${name}: it rejects with advice`, async () => {
    await assert.rejects(forFastify.vtryonWebhooks(...args), {
      code: "invalid_option",
      message: useFastify,
    });
  });
}

test("the plugin of Fastify takes the options of `register` too, and no others", async (t) => {
  const app = fastify();
  t.after(() => app.close());
  const registered = { path: "/vtryon", prefix: "/shop", logLevel: "error", logSerializers: {} };
  app.register(forFastify.vtryonWebhooks, { ...options, ...registered });
  const sent = { method: "POST", url: "/shop/vtryon", headers: HEADERS, payload: BODY };
  assert.equal((await app.inject(sent)).statusCode, 200);
  const wrong = fastify().register(forFastify.vtryonWebhooks, { ...options, pfad: "/vtryon" });
  await assert.rejects(async () => wrong.ready(), { code: "invalid_option", message: /`pfad`/ });
});
