/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What every event has. Fields are named as in the body that Vtryon sends. */
export interface BaseEvent {
  /** The task that it is about. */
  readonly task_id: string;
  /** `data` as sent, parsed; undefined where there was none. */
  readonly data: Json | undefined;
  /** `error` as sent, parsed; undefined where there was none. */
  readonly error: Json | undefined;
  /** `data.result_url`, which is not checked to be a URL. */
  readonly result_url: string | null;
  /** `error.message`. */
  readonly error_message: string | null;
  /**
   * The same for repeats of an event, and for nothing else. It is made of task and status: a second
   * `completed` of a task is a repeat, whatever its data.
   */
  readonly idempotency_key: string;
  /** With the scheme `standard-webhooks`: the value of `webhook-id`, the same for each attempt and replay. */
  readonly webhook_id?: string | undefined;
}

interface StatusEvent<Status extends string> extends BaseEvent {
  readonly event: "generation.status_changed";
  readonly status: Status;
}

declare enum Unnamed {
  status = "a status that the guide does not name",
}

/**
 * A status that Vtryon's guide does not name: any other text. An enumeration in the types alone, since a
 * plain `string` would also be `"completed"`, and then `status` could not tell events apart.
 */
export type UnknownStatus = Unnamed;

/** The request is accepted. */
export type QueuedEvent = StatusEvent<"queued">;
/** The rendering has begun. */
export type ProcessingEvent = StatusEvent<"processing">;
/** The result is there: `result_url`. */
export type CompletedEvent = StatusEvent<"completed">;
/** There will be no result: `error_message`. */
export type FailedEvent = StatusEvent<"failed">;
/** A status that the guide does not name. */
export type UnknownStatusEvent = StatusEvent<UnknownStatus>;
/** An event by another name, which has no status. */
export interface OtherEvent extends BaseEvent {
  readonly event: string;
  readonly status: null;
}

/** What Vtryon says of a task: `switch (event.status)` tells which. */
export type VtryonEvent =
  | QueuedEvent
  | ProcessingEvent
  | CompletedEvent
  | FailedEvent
  | UnknownStatusEvent
  | OtherEvent;
