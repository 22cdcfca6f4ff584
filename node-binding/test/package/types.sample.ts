// Compiled against the packed package, never run: what a user writes is accepted, what is wrong is not.

import { createServer } from "node:http";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import {
  type CompletedEvent,
  constructEvent,
  type FailedEvent,
  hasStatus,
  type OtherEvent,
  type ProcessingEvent,
  type QueuedEvent,
  type UnknownStatusEvent,
  type VtryonEvent,
  VtryonWebhooks,
  WebhookError,
} from "vtryon-webhooks";
import * as forExpress from "vtryon-webhooks/express";
import * as forFastify from "vtryon-webhooks/fastify";
import * as forHono from "vtryon-webhooks/hono";
import * as forNode from "vtryon-webhooks/node";
import { MemoryStore } from "vtryon-webhooks/stores";
import { checkEndpoint, sign } from "vtryon-webhooks/testing";
import * as forWeb from "vtryon-webhooks/web";

function describe(event: VtryonEvent): string {
  switch (event.status) {
    case "completed": {
      const completed: CompletedEvent = event;
      return completed.result_url ?? "no result";
    }
    case "failed": {
      const failed: FailedEvent = event;
      return failed.error_message ?? "no reason";
    }
    case "queued":
    case "processing": {
      const pending: QueuedEvent | ProcessingEvent = event;
      return pending.task_id;
    }
    case null: {
      const other: OtherEvent = event;
      return other.event;
    }
    default: {
      const unknown: UnknownStatusEvent = event;
      const status: string = unknown.status;
      return status;
    }
  }
}

function isPaused(event: VtryonEvent): boolean {
  if (event.status === null) return false;
  // Of all events with a status, the name is known.
  const name: "generation.status_changed" = event.event;
  return name.length > 0 && hasStatus(event, "paused");
}

const options = { store: new MemoryStore(), onEvent: (event: VtryonEvent) => void describe(event) };
const app = express();
app.use(express.json({ verify: forExpress.captureRawBody }));
app.post("/webhooks/vtryon", forExpress.vtryonWebhooks(options));
Fastify().register(forFastify.vtryonWebhooks, { ...options, path: "/hooks" });
new Hono<{ Bindings: { SECRET: string } }>().post("/hooks", forHono.vtryonWebhooks(options));
createServer(forNode.vtryonWebhooks(options));
const POST: (request: Request) => Promise<Response> = forWeb.vtryonWebhooks(options);
void POST;

const event = constructEvent(new Uint8Array(), ["a"], ["whsec_a", "whsec_b"], { maxBodyBytes: 9 });
const webhooks = new VtryonWebhooks();
const { secretIndex, fingerprint } = webhooks.verify("{}", sign("{}", "whsec_a"));
const behind = new VtryonWebhooks("whsec_a", { scheme: "standard-webhooks", now: Date.now });
const { webhookId } = behind.verify("{}", new Headers());
createServer(({ headers }) => void behind.constructEvent("{}", headers).webhook_id?.length);
const error: unknown = undefined;
if (WebhookError.is(error)) void (error.code === "signature_mismatch" && error.hint);
void [
  describe(event),
  isPaused(event),
  webhookId,
  secretIndex,
  fingerprint,
  checkEndpoint("http://127.0.0.1/", { secret: "s" }),
];

// @ts-expect-error: a parsed body is not what was signed
webhooks.verify({ event: "x" }, "a");
// @ts-expect-error: a variable that may not be set
new VtryonWebhooks(process.env.SHOP_SECRET);
void VtryonWebhooks.fromEnvironment({ maxBodyBytes: 9 });
// @ts-expect-error: there is no such scheme
new VtryonWebhooks("whsec_a", { scheme: "stripe" });
// @ts-expect-error: there is no such code
void (error instanceof WebhookError && error.code === "bad_signature");
// @ts-expect-error: without a handler nothing takes the events
forExpress.vtryonWebhooks({});
// @ts-expect-error: events with another status come too
forExpress.vtryonWebhooks({ onEvent: (completed: CompletedEvent) => completed.result_url });
// @ts-expect-error: anything may be thrown
forExpress.vtryonWebhooks({ ...options, onError: (reason: Error) => reason.message });
forExpress.vtryonWebhooks({ ...options, onError: undefined, onQuarantine: undefined });
forExpress.vtryonWebhooks({ ...options, onError: console.error, async onQuarantine() {} });
// @ts-expect-error: what was received does not change
event.task_id = "another";
