// Every adapter behind a real server on loopback: `start(options)` returns its URL and how to stop it.

import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
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

export const PATH = "/webhooks/vtryon";

/** Starts a server of node:http with a handler. */
async function listen(handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await emitted(server, "listening");
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}${PATH}`, stop };
}

/** An app of Express with middleware before the receiver. */
function app(framework, options, ...before) {
  const app = framework();
  // What a fault of the framework's own looks like is not the matter here.
  app.set("env", "test");
  for (const middleware of before) app.use(middleware);
  app.all(PATH, forExpress.vtryonWebhooks(options));
  return listen(app);
}

function withExpress(name, framework) {
  const { captureRawBody } = forExpress;
  const anything = () => true;
  return {
    [name]: (options) => app(framework, options),
    [`${name} after raw`]: (options) =>
      app(framework, options, framework.raw({ type: anything, limit: "2mb", inflate: false })),
    [`${name} after json with captureRawBody`]: (options) =>
      app(framework, options, framework.json({ limit: "2mb", verify: captureRawBody })),
  };
}

/** The adapters as they should be used. */
export const ADAPTERS = {
  node: (options) => listen(forNode.vtryonWebhooks(options)),
  "node, paused": (options) => {
    const handler = forNode.vtryonWebhooks(options);
    return listen((request, response) => handler(request.pause(), response));
  },
  ...withExpress("express 5", express),
  ...withExpress("express 4", express4),
  fastify: async (options) => {
    const app = fastify();
    app.register(forFastify.vtryonWebhooks, options);
    app.post("/other", async ({ body }) => body);
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    return { url: `${url}${PATH}`, stop: () => app.close() };
  },
  hono: (options) => {
    const app = new Hono().all(PATH, forHono.vtryonWebhooks(options));
    return listen(getRequestListener(app.fetch));
  },
  web: (options) => listen(getRequestListener(forWeb.vtryonWebhooks(options))),
};

/** Reads a body to its end, or as far as it comes. */
async function eat(request) {
  try {
    for await (const _ of request);
  } catch {
    // The client has gone.
  }
}

/** The adapters behind something that has eaten the body. */
export const EATEN = {
  node: (options) => {
    const handler = forNode.vtryonWebhooks(options);
    return listen(async (request, response) => {
      await eat(request);
      await handler(request, response);
    });
  },
  "node, with another reader": (options) => {
    const handler = forNode.vtryonWebhooks(options);
    return listen((request, response) =>
      handler(
        request.on("readable", () => {}),
        response,
      ),
    );
  },
  "node, as text": (options) => {
    const handler = forNode.vtryonWebhooks(options);
    return listen((request, response) => handler(request.setEncoding("utf8"), response));
  },
  "express 5 after json": (options) => app(express, options, express.json()),
  "express 4 after json": (options) => app(express4, options, express4.json()),
  "express 5 after text": (options) => app(express, options, express.text({ type: () => true })),
  "express 5 with a raw body that is a text": (options) =>
    app(
      express,
      options,
      express.json({
        verify: (request, _response, bytes) => {
          request.rawBody = bytes.toString();
        },
      }),
    ),
  fastify: async (options) => {
    const app = fastify();
    app.addHook("preParsing", async (request) => {
      await eat(request.raw);
    });
    app.register(forFastify.vtryonWebhooks, options);
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    return { url: `${url}${PATH}`, stop: () => app.close() };
  },
  hono: (options) => {
    const app = new Hono();
    app.use(async (c, next) => {
      await c.req.text();
      await next();
    });
    return listen(getRequestListener(app.all(PATH, forHono.vtryonWebhooks(options)).fetch));
  },
  web: (options) => {
    const handler = forWeb.vtryonWebhooks(options);
    return listen(
      getRequestListener(async (request) => {
        await request.text();
        return handler(request);
      }),
    );
  },
};
