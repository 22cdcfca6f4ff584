// Recognises the requests of frameworks, to tell a user which adapter is the right one.

/** Reads a property of any value; undefined if it can't be read. */
export function readProperty(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    // A getter that throws.
    return undefined;
  }
}

const isMethod = (value: unknown, name: string): boolean =>
  typeof readProperty(value, name) === "function";

/** Returns whether a value is a `Request` of the Fetch standard, of any implementation. */
export function isFetchRequest(value: unknown): value is Request {
  return (
    typeof readProperty(value, "method") === "string" &&
    isMethod(readProperty(value, "headers"), "get")
  );
}

/** Returns whether a value is a request of `node:http`, or imitates one. */
export function isNodeRequest(value: unknown): boolean {
  const headers = readProperty(value, "headers");
  const isPlain = typeof headers === "object" && headers !== null && !isMethod(headers, "get");
  return isPlain && typeof readProperty(value, "method") === "string" && isMethod(value, "on");
}

/** Returns whether a value is a response of `node:http`, or imitates one. */
export function isNodeResponse(value: unknown): boolean {
  return isMethod(value, "writeHead") && isMethod(value, "end");
}

/** Returns whether a value is a context of Hono. */
export function isHonoContext(value: unknown): boolean {
  return isFetchRequest(readProperty(readProperty(value, "req"), "raw"));
}

const hasNodeMessages = (value: unknown): boolean =>
  isNodeRequest(readProperty(value, "req")) && isNodeResponse(readProperty(value, "res"));

/** What to do with the first argument of a handler. The first row that matches counts. */
const ADVICE: readonly (readonly [matches: (first: unknown) => boolean, advice: string])[] = [
  [isHonoContext, "for a context of Hono there is the adapter `vtryon-webhooks/hono`"],
  [
    (event) => isFetchRequest(readProperty(event, "request")),
    "pass `event.request` to the handler of `vtryon-webhooks/web`",
  ],
  [isFetchRequest, "for a `Request` there is the adapter `vtryon-webhooks/web`"],
  [
    (event) => isFetchRequest(readProperty(event, "req")),
    "pass `event.req` to the handler of `vtryon-webhooks/web`",
  ],
  [
    (request) => isNodeRequest(readProperty(request, "raw")),
    "for Fastify there is the plugin `vtryon-webhooks/fastify`: `app.register(vtryonWebhooks, { onEvent })`",
  ],
  [
    (event) => hasNodeMessages(readProperty(event, "node")),
    "pass `event.node.req` and `event.node.res` to the handler of `vtryon-webhooks/node`",
  ],
  [
    hasNodeMessages,
    "pass `context.req` and `context.res` to the handler of `vtryon-webhooks/node`",
  ],
  [
    isNodeRequest,
    "for a request and a response of node:http there are the adapters `vtryon-webhooks/node` and `vtryon-webhooks/express`",
  ],
  [
    (event) =>
      typeof readProperty(event, "headers") === "object" &&
      readProperty(event, "body") !== undefined,
    "for an event of a cloud function, call `constructEvent` with its headers and the bytes of its body, which is base64 where `isBase64Encoded` is true",
  ],
];

/** Returns what to do with the first argument of a handler that does not accept it. */
export function adviceFor(first: unknown): string {
  const row = ADVICE.find(([matches]) => matches(first));
  return (
    row?.[1] ??
    "what it was given is no request: see the documentation for how the adapter of your framework is called"
  );
}
