import { refusal } from "../core/engine.js";
import { binaryOf } from "../core/payload.js";
import { type ReceiverOptions, receiver } from "../receiver/receiver.js";
import { answerRequest, readBody } from "./fetch-request.js";
import { isHonoContext } from "./frameworks.js";
import { neverRejecting } from "./never-rejecting.js";

export type { Context, ReceiverOptions } from "../receiver/receiver.js";

/** What is needed of Hono's context. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request;
    /** What was read of the body, by the method that read it. */
    readonly bodyCache: { readonly [method: string]: unknown };
  };
}

/**
 * Receives events in a route of Hono: `app.post("/webhooks/vtryon", vtryonWebhooks({ onEvent }))`.
 *
 * The handler never rejects. Throws {@link WebhookError} for options that can't be used.
 */
export function vtryonWebhooks(options: ReceiverOptions): (c: HonoContext) => Promise<Response> {
  const events = receiver(options);
  return neverRejecting(events, "hono", isHonoContext, ({ req }: HonoContext) =>
    answerRequest(events, req.raw, (limit, { signal }) => bodyOf(req, limit, signal)),
  );
}

/** Hono keeps what a middleware has read. Only bytes will do: a text or an object is not what came. */
async function bodyOf(
  { raw, bodyCache }: HonoContext["req"],
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const read = Object.keys(bodyCache ?? {});
  if (read.length === 0) return readBody(raw, limit, signal);
  // Hono makes bytes out of whatever was read first, so that has to have been bytes.
  const bytes = read[0] === "arrayBuffer" ? binaryOf(await bodyCache.arrayBuffer) : undefined;
  if (bytes === undefined) throw refusal("body_already_parsed");
  return bytes;
}
