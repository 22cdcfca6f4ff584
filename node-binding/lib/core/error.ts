/** Every error code of the package, spelled as in the Rust core. */
export type ErrorCode =
  | "missing_signature"
  | "malformed_signature"
  | "multiple_signatures"
  | "signature_mismatch"
  | "missing_message_id"
  | "malformed_message_id"
  | "missing_timestamp"
  | "malformed_timestamp"
  | "timestamp_too_old"
  | "timestamp_too_new"
  | "incomplete_body"
  | "body_timeout"
  | "payload_too_large"
  | "invalid_utf8"
  | "invalid_json"
  | "too_deep"
  | "invalid_event"
  | "duplicate_key"
  | "secret_missing"
  | "secret_empty"
  | "secret_whitespace"
  | "secret_quoted"
  | "secret_invisible"
  | "secret_placeholder"
  | "method_not_allowed"
  | "unavailable"
  | "payload_not_raw"
  | "body_already_parsed"
  | "invalid_option";

/** Further facts about an error. */
export interface Details {
  /** The field of the event that is wrong, as a path from the outermost object. */
  field?: string | undefined;
  /** The offset in the body, in bytes, at which it is wrong. */
  offset?: number | undefined;
  /** When the sender should retry, in milliseconds from now. */
  retryAfterMs?: number | undefined;
}

const BRAND = Symbol.for("vtryon-webhooks.WebhookError");

/**
 * The only error that the package throws, except the errors of a database, which the stores pass on. It never contains
 * bytes of a payload, a header or a secret, so it is safe to log.
 */
export class WebhookError extends Error {
  /** Identifies the error for programs; stable. */
  readonly code: ErrorCode;
  /** The HTTP status to answer with. */
  readonly status: number;
  /** What to do about it. */
  readonly hint: string;
  /** The field of the event that is wrong, as a path from the outermost object. */
  declare readonly field: string | undefined;
  /** The offset in the body, in bytes, at which it is wrong. */
  declare readonly offset: number | undefined;
  /** When the sender should retry, in milliseconds from now. */
  declare readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    status: number,
    message: string,
    hint: string,
    details: Details = {},
  ) {
    super(message);
    this.name = "WebhookError";
    this.code = code;
    this.status = status;
    this.hint = hint;
    // Set only if known, so that a log shows no undefined members.
    if (details.field !== undefined) this.field = details.field;
    if (details.offset !== undefined) this.offset = details.offset;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Returns whether a value is a WebhookError, also one of another copy of the package. */
  static is(value: unknown): value is WebhookError {
    try {
      return typeof value === "object" && value !== null && BRAND in value;
    } catch {
      // A proxy that throws.
      return false;
    }
  }

  /** Includes the message, which `JSON.stringify` leaves out of other errors. */
  toJSON(): object {
    const { name, code, status, message, hint, field, offset, retryAfterMs } = this;
    return { name, code, status, message, hint, field, offset, retryAfterMs };
  }
}
