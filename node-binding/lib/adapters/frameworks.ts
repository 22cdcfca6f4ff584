// Tells what an adapter's handler was given, also where that is of another framework.

/** Reads a member of what may be anything; undefined where it can't be read. */
export function memberOf(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    // A getter that throws.
    return undefined;
  }
}

const isMethod = (value: unknown, name: string): boolean =>
  typeof memberOf(value, name) === "function";

/** Tells whether a value is a `Request` of the Fetch standard, whoever made it. */
export function isFetchRequest(value: unknown): value is Request {
  return (
    typeof memberOf(value, "method") === "string" && isMethod(memberOf(value, "headers"), "get")
  );
}

/** Tells whether a value is a request of `node:http`, or is made after one. */
export function isNodeRequest(value: unknown): boolean {
  const headers = memberOf(value, "headers");
  const isPlain = typeof headers === "object" && headers !== null && !isMethod(headers, "get");
  return isPlain && typeof memberOf(value, "method") === "string" && isMethod(value, "on");
}

/** Tells whether a value is a response of `node:http`, or is made after one. */
export function isNodeResponse(value: unknown): boolean {
  return isMethod(value, "writeHead") && isMethod(value, "end");
}

/** Tells whether a value is a context of Hono. */
export function isHonoContext(value: unknown): boolean {
  return isFetchRequest(memberOf(memberOf(value, "req"), "raw"));
}

const nodeMessages = (value: unknown): boolean =>
  isNodeRequest(memberOf(value, "req")) && isNodeResponse(memberOf(value, "res"));

/** What a handler may be given, what to do then, in order: the first that fits. */
const ADVICE: readonly (readonly [fits: (first: unknown) => boolean, advice: string])[] = [
  [isHonoContext, "for a context of Hono there is the adapter `vtryon-webhooks/hono`"],
  [
    (event) => isFetchRequest(memberOf(event, "request")),
    "pass `event.request` to the handler of `vtryon-webhooks/web`",
  ],
  [isFetchRequest, "for a `Request` there is the adapter `vtryon-webhooks/web`"],
  [
    (event) => isFetchRequest(memberOf(event, "req")),
    "pass `event.req` to the handler of `vtryon-webhooks/web`",
  ],
  [
    (request) => isNodeRequest(memberOf(request, "raw")),
    "for Fastify there is the plugin `vtryon-webhooks/fastify`: `app.register(vtryonWebhooks, { onEvent })`",
  ],
  [
    (event) => nodeMessages(memberOf(event, "node")),
    "pass `event.node.req` and `event.node.res` to the handler of `vtryon-webhooks/node`",
  ],
  [nodeMessages, "pass `context.req` and `context.res` to the handler of `vtryon-webhooks/node`"],
  [
    isNodeRequest,
    "for a request and a response of node:http there are the adapters `vtryon-webhooks/node` and `vtryon-webhooks/express`",
  ],
  [
    (event) =>
      typeof memberOf(event, "headers") === "object" && memberOf(event, "body") !== undefined,
    "for an event of a cloud function, call `constructEvent` with its body as it came and its header x-vtryon-signature",
  ],
];

/** Says what to do with what a handler was given and does not take. */
export function adviceFor(first: unknown): string {
  const row = ADVICE.find(([fits]) => fits(first));
  return (
    row?.[1] ??
    "what it was given is no request: see the README for how the adapter of your framework is called"
  );
}
