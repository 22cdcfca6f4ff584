/** Every refusal that the package knows, as the Rust core spells them. */
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

/** What else is known of a fault. */
export interface Details {
  /** The field of the event that is at fault, as a path from the outermost object. */
  field?: string | undefined;
  /** The offset in the body, in bytes, at which the fault was seen. */
  offset?: number | undefined;
  /** When to come again, in milliseconds from now. */
  retryAfterMs?: number | undefined;
}

const BRAND = Symbol.for("vtryon-webhooks.WebhookError");

/**
 * The only error that the package throws. It never holds bytes of a payload, a header or a secret, so
 * it can be logged as it is.
 */
export class WebhookError extends Error {
  /** For programs; stable. */
  readonly code: ErrorCode;
  /** The HTTP status that answers it. */
  readonly status: number;
  /** What its reader can do about it. */
  readonly hint: string;
  /** The field of the event that is at fault, as a path from the outermost object. */
  declare readonly field: string | undefined;
  /** The offset in the body, in bytes, at which the fault was seen. */
  declare readonly offset: number | undefined;
  /** When to come again, in milliseconds from now. */
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
    // What is not known is not there: a log shows all that is.
    if (details.field !== undefined) this.field = details.field;
    if (details.offset !== undefined) this.offset = details.offset;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Tells whether a value is one, also where two copies of the package are loaded. */
  static is(value: unknown): value is WebhookError {
    try {
      return typeof value === "object" && value !== null && BRAND in value;
    } catch {
      // A proxy that throws.
      return false;
    }
  }

  /** What a log should hold; `Error` itself would leave out the message. */
  toJSON(): object {
    const { name, code, status, message, hint, field, offset } = this;
    return { name, code, status, message, hint, field, offset };
  }
}
