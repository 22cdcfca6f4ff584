// Parses the messages of a shard's stream, and trusts nothing in them.

/** An event, or a replay of one. */
export interface IncomingEvent {
  readonly type: "event" | "replay";
  readonly id: string;
  readonly seq: number;
  /** null if the body is no event. */
  readonly task: string | null;
  readonly event: string | null;
  readonly status: string | null;
  readonly outcome: string;
  readonly receivedAt: string;
  readonly webhookId: string | null;
  /** Whether it was imported from another deployment. */
  readonly imported: boolean;
  /** Of a replay: the id of the delivery. */
  readonly delivery: string | null;
  /** What Vtryon sent; null if the gateway no longer has it. */
  readonly sent: { readonly body: Uint8Array; readonly signature: string } | null;
}

/** A task was erased: the gateway has nothing of it any more. */
export interface Erasure {
  readonly type: "erased";
  readonly id: string;
  readonly seq: number;
  readonly erasedAt: string;
}

/** The gateway no longer has the events with these numbers. */
export interface Gap {
  readonly type: "gap";
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

/** A message that is processed. Of a snapshot only the id is used: the stream continues from there. */
export type Message =
  | IncomingEvent
  | Erasure
  | Gap
  | { readonly type: "snapshot" | "ready"; readonly id: string };

/** A message does not conform to the protocol. */
export class ProtocolError extends Error {}

/** Parses a message; returns undefined for types that are not used here, or that a newer gateway has. */
export function parseMessage(text: string): Message | undefined {
  const message = parseObject(text);
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
  if (type === "erased") {
    return {
      type,
      id: textOf(message.id),
      seq: numberOf(message.seq),
      erasedAt: textOf(message.erased_at),
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
    imported: message.imported === true,
    delivery: optional(message.delivery),
    sent: sentIn(message),
  };
}

function parseObject(text: string): Record<string, unknown> {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    // Reported below.
  }
  if (typeof message !== "object" || message === null) throw new ProtocolError();
  return message as Record<string, unknown>;
}

function sentIn(message: Record<string, unknown>): IncomingEvent["sent"] {
  const signature = headerOf(message.signature, /^[0-9a-f]{64}$/i);
  if (typeof message.body !== "string" || signature === null) return null;
  return { body: Buffer.from(message.body, "base64"), signature };
}

/** Reads the value of a header, if it has the right form. */
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
