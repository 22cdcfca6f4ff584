/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The fields of every event, named as in the body that Vtryon sends. */
export interface BaseEvent {
  /** The id of the task. */
  readonly task_id: string;
  /** `data`, parsed; undefined if absent. */
  readonly data: Json | undefined;
  /** `error`, parsed; undefined if absent. */
  readonly error: Json | undefined;
  /** `data.result_url`. It is not validated as a URL. */
  readonly result_url: string | null;
  /** `error.message`. */
  readonly error_message: string | null;
  /**
   * Identifies the event: equal for duplicates, different for all other events. It consists of task and status, so a
   * second `completed` of a task is a duplicate, whatever its data.
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
 * A status that Vtryon's guide does not name: any other string. It is an enum in the types only: with a plain
 * `string`, TypeScript could not narrow an event by its `status`. {@link hasStatus} compares it.
 */
export type UnknownStatus = Unnamed;

/** The task is accepted. */
export type QueuedEvent = StatusEvent<"queued">;
/** Rendering has started. */
export type ProcessingEvent = StatusEvent<"processing">;
/** The result is ready: see `result_url`. */
export type CompletedEvent = StatusEvent<"completed">;
/** The task has failed: see `error_message`. */
export type FailedEvent = StatusEvent<"failed">;
/** A status that the guide does not name. */
export type UnknownStatusEvent = StatusEvent<UnknownStatus>;
/** An event with another name. It has no status. */
export interface OtherEvent extends BaseEvent {
  readonly event: string;
  readonly status: null;
}

/** An event of Vtryon. `switch (event.status)` narrows it, and so does `event.status !== null`. */
export type VtryonEvent =
  | QueuedEvent
  | ProcessingEvent
  | CompletedEvent
  | FailedEvent
  | UnknownStatusEvent
  | OtherEvent;

/** Returns whether an event has a status, which may be one that Vtryon's guide does not name. */
export function hasStatus(event: VtryonEvent, status: string): boolean {
  const found: string | null = event.status;
  return found === status;
}
