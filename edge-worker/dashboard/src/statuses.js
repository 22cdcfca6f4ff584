// The statuses of a task that the guide names.

export const STATUSES = ["queued", "processing", "completed", "failed"];

/** Whether a task with this status has ended. */
export const isFinal = (status) => ["completed", "failed"].includes(status);
