import type { CompletedEvent, FailedEvent, ProcessingEvent, QueuedEvent } from "../core/event.js";
import { checkOptions, readOption } from "../core/options.js";

/** The kinds of task that Vtryon's guide names. */
export type Kind = "try-on" | "ai-model" | "poses" | "recolor";

/** All of them. */
export const kinds: readonly Kind[] = ["try-on", "ai-model", "poses", "recolor"];

/** A status that the guide names. */
export type Status = (QueuedEvent | ProcessingEvent | CompletedEvent | FailedEvent)["status"];

/** All of them, in the order of a lifecycle; a task ends with one of the last two. */
export const statuses: readonly Status[] = ["queued", "processing", "completed", "failed"];

/** The JSON body of a request of Vtryon. */
export interface EventBody {
  readonly event: "generation.status_changed";
  readonly task_id: string;
  readonly status: Status;
  /** The result; only if completed. */
  readonly data?: { readonly result_url: string };
  /** The reason; only if failed. */
  readonly error?: { readonly message: string };
}

/** The options of a lifecycle. */
export interface LifecycleOptions {
  /** The id of the task: by default named after its kind, such as `task_try_on`. */
  task_id?: string | undefined;
  /** The last status: by default `completed`. */
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

/** Creates the body of one event. The kind determines the default task id, the result and the failure. */
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

/** Creates the bodies of a whole task, in order: queued, processing, and the last status. */
export function lifecycle(kind: Kind, options: LifecycleOptions = {}): EventBody[] {
  checkOptions(options, ["task_id", "ends"]);
  const task_id = readOption(options, "task_id") as LifecycleOptions["task_id"];
  const ends = (readOption(options, "ends") ?? "completed") as Status;
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
