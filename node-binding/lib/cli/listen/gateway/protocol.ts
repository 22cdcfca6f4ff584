// What the gateway says on a stream of one shard, read without trust in it.

/** An event on its way, or a replay of one. */
export interface IncomingEvent {
  readonly type: "event" | "replay";
  readonly id: string;
  readonly seq: number;
  /** null where the body can't be read. */
  readonly task: string | null;
  readonly event: string | null;
  readonly status: string | null;
  readonly outcome: string;
  readonly receivedAt: string;
  readonly webhookId: string | null;
  /** The delivery that was replayed. */
  readonly delivery: string | null;
  /** What Vtryon sent; null where the gateway no longer has it. */
  readonly sent: { readonly body: Uint8Array; readonly signature: string } | null;
}

/** What is no longer kept: the events under these numbers. */
export interface Gap {
  readonly type: "gap";
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

/** A message that matters here. A snapshot is of use for its id alone: from there on nothing is missed. */
export type Message =
  | IncomingEvent
  | Gap
  | { readonly type: "snapshot" | "ready"; readonly id: string };

/** The gateway said something that is not of the protocol. */
export class ProtocolError extends Error {}

/** Reads a message; undefined for one of a type that does not matter here, or that is not known yet. */
export function read(text: string): Message | undefined {
  const message = parse(text);
  const { type } = message;
  if (type === "snapshot" || type === "ready") return { type, id: textOf(message.id) };
  if (type === "gap") {
    return {
      type,
      id: textOf(message.id),
      from: numberOf(message.from),
      to: numberOf(message.to),
    };
  }
  if (type !== "event" && type !== "replay") return undefined;
  return {
    type,
    id: textOf(message.id),
    seq: numberOf(message.seq),
    task: optional(message.task_id),
    event: optional(message.event),
    status: optional(message.status),
    outcome: textOf(message.outcome),
    receivedAt: textOf(message.received_at),
    webhookId: headerOf(message.webhook_id, /^[!-~]{1,256}$/),
    delivery: optional(message.delivery),
    sent: sentIn(message),
  };
}

function parse(text: string): Record<string, unknown> {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    // Told below.
  }
  if (typeof message !== "object" || message === null) throw new ProtocolError();
  return message as Record<string, unknown>;
}

function sentIn(message: Record<string, unknown>): IncomingEvent["sent"] {
  const signature = headerOf(message.signature, /^[0-9a-f]{64}$/i);
  if (typeof message.body !== "string" || signature === null) return null;
  return { body: Buffer.from(message.body, "base64"), signature };
}

/** Reads what becomes the value of a header. */
function headerOf(value: unknown, form: RegExp): string | null {
  return typeof value === "string" && form.test(value) ? value : null;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new ProtocolError();
  return value;
}

function numberOf(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new ProtocolError();
  return value as number;
}

function optional(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
