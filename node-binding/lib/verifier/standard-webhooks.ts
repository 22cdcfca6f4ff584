// The scheme of Standard Webhooks: three headers instead of one, and a timestamp within a tolerance.

import {
  type Core,
  callCore,
  generation,
  type StandardWebhooksVerifier,
  webhookError,
} from "../core/engine.js";
import type { VtryonEvent } from "../core/event.js";
import { writePayload } from "../core/memory.js";
import { checkFunctionOption, integerOption, readOption } from "../core/options.js";
import { type Payload, payloadBytes } from "../core/payload.js";
import { readEvent, readMatch, type SecretMatch } from "../core/report.js";

/** All values of a header, or its one value. */
export type HeaderValue = string | readonly string[] | null | undefined;

/** The headers of a request: `Headers`, or an object such as `request.headers` of Node. */
export type RequestHeaders =
  | { get(name: string): string | null }
  | { readonly [name: string]: HeaderValue };

/** Returns a header by its name in lower case. */
export type GetHeader = (name: string) => HeaderValue;

/** How requests are signed. */
export type Scheme = "vtryon" | "standard-webhooks";

export interface SchemeOptions {
  /**
   * How requests are signed: `vtryon`, the default, as Vtryon signs; `standard-webhooks` for a receiver behind the
   * gateway, with the secret of its endpoint. Recorded requests of that scheme can't be replayed later.
   */
  scheme?: Scheme | undefined;
  /** With `standard-webhooks`: how far `webhook-timestamp` may be from the clock, 1 to 86400 seconds, by default 300. */
  toleranceSeconds?: number | undefined;
  /** With `standard-webhooks`: the clock, in milliseconds since 1970. */
  now?: (() => number) | undefined;
}

/** The header that carries the signatures. */
export const MESSAGE_SIGNATURE_HEADER = "webhook-signature";

const NAMES = ["webhook-id", "webhook-timestamp", MESSAGE_SIGNATURE_HEADER] as const;

/** How many characters of each header the core is passed: a longer header is refused for its length alone. */
const MAX_PASSED = [257, 16, 4097] as const;

const TOLERANCE = [1, 86_400, "a whole number of seconds from 1 to 86400"] as const;

const DEFAULT_TOLERANCE_SECONDS = 300;

/** Reads the option `scheme` and checks the options that belong to it. Throws `invalid_option`. */
export function schemeOf(options: SchemeOptions | undefined): Scheme {
  if (options === undefined) return "vtryon";
  const scheme = readOption(options, "scheme") ?? "vtryon";
  if (scheme !== "vtryon" && scheme !== "standard-webhooks") {
    throw webhookError("invalid_option", '`scheme` is neither "vtryon" nor "standard-webhooks"');
  }
  if (scheme === "vtryon" && readOption(options, "toleranceSeconds") !== undefined) {
    // Ignored, it would leave its user believing that the time is checked.
    const message = '`toleranceSeconds` is of the scheme "standard-webhooks": Vtryon signs no time';
    throw webhookError("invalid_option", message);
  }
  toleranceOf(options);
  return scheme;
}

/** Checks and copies the options of the scheme. Throws `invalid_option`. */
export function schemeOptionsOf(options: SchemeOptions | undefined): SchemeOptions {
  const scheme = schemeOf(options);
  const tolerance = readOption(options, "toleranceSeconds") as SchemeOptions["toleranceSeconds"];
  return { scheme, toleranceSeconds: tolerance, now: clockOf(options) };
}

function clockOf(options: SchemeOptions | undefined): SchemeOptions["now"] {
  checkFunctionOption(options, "now");
  const now = readOption(options, "now") as SchemeOptions["now"];
  return now && (() => Reflect.apply(now, options, []));
}

/** Reads the tolerance. Throws `invalid_option`. */
export function toleranceOf(options: SchemeOptions | undefined): number {
  return integerOption(options, "toleranceSeconds", DEFAULT_TOLERANCE_SECONDS, TOLERANCE);
}

/** Reads a clock, in milliseconds since 1970. Throws `invalid_option`. */
export function timeOf(now: () => number): number {
  let time: unknown;
  try {
    time = now();
  } catch {
    throw webhookError("invalid_option", "`now` has thrown");
  }
  if (typeof time === "number" && Number.isFinite(time)) return time;
  throw webhookError("invalid_option", "`now` has returned no number");
}

/** Verifies messages with secrets that are prepared once. */
export class StandardWebhooks {
  readonly #secrets: Uint8Array[];
  readonly #maxBodyBytes: number;
  readonly #toleranceSeconds: number;
  readonly #now: () => number;
  #verifier: StandardWebhooksVerifier;
  #generation: number;
  readonly #fingerprints: readonly string[];

  constructor(secrets: Uint8Array[], maxBodyBytes: number, options: SchemeOptions) {
    this.#secrets = secrets;
    this.#maxBodyBytes = maxBodyBytes;
    this.#toleranceSeconds = toleranceOf(options);
    this.#now = clockOf(options) ?? Date.now;
    this.#verifier = callCore((core) => this.#prepare(core));
    this.#generation = generation;
    this.#fingerprints = secrets.map((_, index) =>
      callCore(() => this.#verifier.fingerprint(index)),
    );
  }

  /** Checks the headers, the time and the declared length before a body is read. */
  admit(header: GetHeader, declaredLength: number): void {
    const headers = readHeaders(header);
    const now = timeOf(this.#now);
    callCore((core) => this.#withHeaders(core, headers).admit(now, declaredLength));
  }

  /** Verifies the raw body of a request. */
  verify(payload: Payload, header: GetHeader): SecretMatch & { payload: Uint8Array } {
    const [bytes, webhookId] = this.#run("verify", payload, header);
    return { payload: bytes, ...readMatch(this.#fingerprints), webhookId };
  }

  /** Verifies the raw body and returns which secret signed it, and its event. */
  verifyAndParse(payload: Payload, header: GetHeader): [SecretMatch, VtryonEvent] {
    const [, webhookId] = this.#run("verifyAndParse", payload, header);
    const match = { ...readMatch(this.#fingerprints), webhookId };
    return [match, { ...readEvent(), webhook_id: webhookId }];
  }

  /** Verifies a payload and returns its bytes and the message's id. The core's report is about them then. */
  #run(
    method: "verify" | "verifyAndParse",
    payload: Payload,
    header: GetHeader,
  ): [bytes: Uint8Array, webhookId: string] {
    // Before the payload: exotic headers and a clock may run code that changes it.
    const headers = readHeaders(header);
    const now = timeOf(this.#now);
    const bytes = payloadBytes(payload);
    if (bytes === undefined) throw webhookError("payload_not_raw");
    const length = bytes.byteLength;
    callCore((core) => {
      const verifier = this.#withHeaders(core, headers);
      // Refuses too long a payload before it is copied.
      if (length > this.#maxBodyBytes) verifier.admit(now, length);
      writePayload(core, bytes, length, "");
      const isVerified =
        method === "verify" ? verifier.verify(now, length) : verifier.verifyAndParse(now, length);
      if (!isVerified) throw core.takeError();
    });
    return [bytes as Uint8Array, headers.values[0]];
  }

  /** Passes the headers to the core's verifier; prepares it again after a trap, which ends all verifiers. */
  #withHeaders(core: Core, { counts, values }: MessageHeaders): StandardWebhooksVerifier {
    if (this.#generation !== generation) {
      this.#verifier = this.#prepare(core);
      this.#generation = generation;
    }
    this.#verifier.setHeaders(counts, ...values);
    return this.#verifier;
  }

  #prepare(core: Core): StandardWebhooksVerifier {
    return new core.StandardWebhooksVerifier(
      this.#secrets,
      this.#maxBodyBytes,
      this.#toleranceSeconds,
    );
  }
}

/** How many values each of the three headers has, and the value if there is one. */
interface MessageHeaders {
  readonly counts: Uint32Array;
  readonly values: readonly [id: string, timestamp: string, signature: string];
}

function readHeaders(header: GetHeader): MessageHeaders {
  const counts = new Uint32Array(NAMES.length);
  const values: [string, string, string] = ["", "", ""];
  for (const [index, name] of NAMES.entries()) {
    const [count, value] = singleValue(header, name);
    counts[index] = count;
    values[index] = value.slice(0, MAX_PASSED[index]);
  }
  return { counts, values };
}

/** Returns how many values a header has, and the value if there is one; " ", which is malformed, if that is no string. */
function singleValue(header: GetHeader, name: string): [count: number, value: string] {
  try {
    const value: unknown = header(name);
    if (value === null || value === undefined) return [0, ""];
    const values: readonly unknown[] = Array.isArray(value) ? value.slice(0, 2) : [value];
    if (values.length !== 1) return [values.length, ""];
    if (typeof values[0] === "string") return [1, values[0]];
  } catch {
    // An object that throws.
  }
  return [1, " "];
}

/** Returns a function that reads a header of a request, whatever the case of the names in it. */
export function headerGetter(headers: unknown): GetHeader {
  return (name) => {
    if (typeof headers !== "object" || headers === null) return undefined;
    if ("get" in headers && typeof headers.get === "function") return headers.get(name);
    const found: unknown[] = Object.entries(headers)
      .filter(([key]) => key.toLowerCase() === name)
      .flatMap(([, value]) => value ?? []);
    return found as string[];
  };
}
