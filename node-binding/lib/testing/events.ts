import type { CompletedEvent, FailedEvent, ProcessingEvent, QueuedEvent } from "../core/event.js";

/** The kinds of task that Vtryon's guide names. */
export type Kind = "try-on" | "ai-model" | "poses" | "recolor";

/** All of them. */
export const kinds: readonly Kind[] = ["try-on", "ai-model", "poses", "recolor"];

/** A status that the guide names. */
export type Status = (QueuedEvent | ProcessingEvent | CompletedEvent | FailedEvent)["status"];

/** All of them, in the order in which a task has them; the last two exclude each other. */
export const statuses: readonly Status[] = ["queued", "processing", "completed", "failed"];

/** What Vtryon writes as JSON into the body of a request. */
export interface EventBody {
  readonly event: "generation.status_changed";
  readonly task_id: string;
  readonly status: Status;
  /** Where the result lies; of a completed task. */
  readonly data?: { readonly result_url: string };
  /** Why there is none; of a failed task. */
  readonly error?: { readonly message: string };
}

/** How the course of a task differs from the plain one. */
export interface LifecycleOptions {
  /** By default one that tells the kind, such as `task_try_on`. */
  task_id?: string | undefined;
  /** By default `completed`. */
  ends?: "completed" | "failed" | undefined;
}

const RESULTS: Readonly<Record<Kind, string>> = {
  "try-on": "try-on/linen-shirt-4k.png",
  "ai-model": "ai-model/studio-portrait-4k.png",
  poses: "poses/walking-4k.png",
  recolor: "recolor/dress-emerald-4k.png",
};

const FAILURES: Readonly<Record<Kind, string>> = {
  "try-on": "no person was found in the photo",
  "ai-model": "the description was refused",
  poses: "the pose does not fit the garment",
  recolor: "no garment was found in the photo",
};

/** Makes the body of one event; the kind shows in the default task, the result and the failure. */
export function eventBody(
  kind: Kind,
  status: Status,
  task_id: string = `task_${kind.replace("-", "_")}`,
): EventBody {
  const body = { event: "generation.status_changed", task_id, status } as const;
  if (status === "completed") {
    return { ...body, data: { result_url: `https://cdn.example/${RESULTS[kind]}` } };
  }
  if (status === "failed") return { ...body, error: { message: FAILURES[kind] } };
  return body;
}

/** Makes the bodies of a whole task, in order: queued, processing, and how it ends. */
export function lifecycle(
  kind: Kind,
  { task_id, ends = "completed" }: LifecycleOptions = {},
): EventBody[] {
  const course: Status[] = ["queued", "processing", ends];
  return course.map((status) => eventBody(kind, status, task_id));
}

/** Every event of every kind: `events["try-on"].completed`. */
export const events: Readonly<Record<Kind, Readonly<Record<Status, EventBody>>>> = {
  "try-on": allOf("try-on"),
  "ai-model": allOf("ai-model"),
  poses: allOf("poses"),
  recolor: allOf("recolor"),
};

function allOf(kind: Kind): Record<Status, EventBody> {
  return {
    queued: eventBody(kind, "queued"),
    processing: eventBody(kind, "processing"),
    completed: eventBody(kind, "completed"),
    failed: eventBody(kind, "failed"),
  };
}
