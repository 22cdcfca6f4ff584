import { webhookError } from "../core/engine.js";
import { binaryView } from "../core/payload.js";
import { createReceiver, type ReceiverOptions } from "../receiver/receiver.js";
import { handleRequest, orIncomplete, readBody } from "./fetch-request.js";
import { isHonoContext } from "./frameworks.js";
import { neverRejecting } from "./never-rejecting.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";

/** The part of Hono's context that is used. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request;
    /** The body, by the method that has read it. */
    readonly bodyCache: { readonly [method: string]: unknown };
  };
}

/**
 * Receives events in a route of Hono: `app.post("/webhooks/vtryon", vtryonWebhooks({ onEvent }))`.
 *
 * The handler never rejects. Throws {@link WebhookError} for options that can't be used.
 */
export function vtryonWebhooks(options: ReceiverOptions): (c: HonoContext) => Promise<Response> {
  const receiver = createReceiver(options);
  return neverRejecting(receiver, "hono", isHonoContext, ({ req }: HonoContext) =>
    handleRequest(receiver, req.raw, (limit, { signal }) => bodyOf(req, limit, signal)),
  );
}

/** Reads the raw body. Hono caches what a middleware has read; only bytes can be verified, not text or JSON. */
async function bodyOf(
  { raw, bodyCache }: HonoContext["req"],
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const read = Object.keys(bodyCache ?? {});
  if (read.length === 0) return readBody(raw, limit, signal);
  // Hono converts what was read first, so only an `arrayBuffer` that came first has the raw bytes.
  if (read[0] !== "arrayBuffer") throw webhookError("body_already_parsed");
  const bytes = binaryView(await orIncomplete(Promise.resolve(bodyCache.arrayBuffer)));
  if (bytes === undefined) throw webhookError("body_already_parsed");
  return bytes;
}
