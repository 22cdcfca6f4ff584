// Standard Webhooks: three headers instead of one, and a time within a tolerance.

import { type Core, call, generation, type MessageReceiver, refusal } from "../core/engine.js";
import type { VtryonEvent } from "../core/event.js";
import { write } from "../core/memory.js";
import { checkFunction, numberOf, optionOf } from "../core/options.js";
import { bytesOf, type Payload } from "../core/payload.js";
import { type Match, reportedEvent, reportedMatch } from "../core/report.js";

/** All values of a header, or its one value. */
export type HeaderValue = string | readonly string[] | null | undefined;

/** The headers of a request: those of Fetch, or an object such as `request.headers` of Node. */
export type RequestHeaders =
  | { get(name: string): string | null }
  | { readonly [name: string]: HeaderValue };

/** Gets a header by its name in lower case. */
export type GetHeader = (name: string) => HeaderValue;

/** How requests are signed. */
export type Scheme = "vtryon" | "standard-webhooks";

export interface SchemeOptions {
  /**
   * How requests are signed: `vtryon`, by default, as Vtryon signs; `standard-webhooks` for a receiver behind the
   * gateway, whose deliveries can't be sent again later. The secret is the endpoint's then.
   */
  scheme?: Scheme | undefined;
  /** With `standard-webhooks`: how far `webhook-timestamp` may be from the clock: 1 to 86400 seconds, by default 300. */
  toleranceSeconds?: number | undefined;
  /** With `standard-webhooks`: the clock, in milliseconds since 1970. */
  now?: (() => number) | undefined;
}

/** The header with the signatures. */
export const MESSAGE_SIGNATURE_HEADER = "webhook-signature";

const NAMES = ["webhook-id", "webhook-timestamp", MESSAGE_SIGNATURE_HEADER] as const;

/** How much of each header the core is passed: what is longer is refused for its length alone. */
const MOST_UNITS = [257, 16, 4097] as const;

const TOLERANCE = [1, 86_400, "a whole number of seconds from 1 to 86400"] as const;

const DEFAULT_TOLERANCE_SECONDS = 300;

/** Reads the scheme and checks what belongs to it. Throws `invalid_option`. */
export function schemeOf(options: SchemeOptions | undefined): Scheme {
  if (options === undefined) return "vtryon";
  const scheme = optionOf(options, "scheme") ?? "vtryon";
  if (scheme !== "vtryon" && scheme !== "standard-webhooks") {
    throw refusal("invalid_option", '`scheme` is neither "vtryon" nor "standard-webhooks"');
  }
  if (scheme === "vtryon" && optionOf(options, "toleranceSeconds") !== undefined) {
    // Whoever sets it believes that the time is checked.
    const message = '`toleranceSeconds` is of the scheme "standard-webhooks": Vtryon signs no time';
    throw refusal("invalid_option", message);
  }
  toleranceOf(options);
  return scheme;
}

/** Copies the options of the scheme, which are checked. Throws `invalid_option`. */
export function schemeOptionsOf(options: SchemeOptions | undefined): SchemeOptions {
  const scheme = schemeOf(options);
  const tolerance = optionOf(options, "toleranceSeconds") as SchemeOptions["toleranceSeconds"];
  return { scheme, toleranceSeconds: tolerance, now: clockOf(options) };
}

function clockOf(options: SchemeOptions | undefined): SchemeOptions["now"] {
  checkFunction(options, "now");
  const now = optionOf(options, "now") as SchemeOptions["now"];
  return now?.bind(options);
}

/** Reads the tolerance. Throws `invalid_option`. */
export function toleranceOf(options: SchemeOptions | undefined): number {
  return numberOf(options, "toleranceSeconds", DEFAULT_TOLERANCE_SECONDS, TOLERANCE);
}

/** Verifies messages with secrets that are prepared once. */
export class MessageVerifier {
  readonly #secrets: Uint8Array[];
  readonly #maxBodyBytes: number;
  readonly #toleranceSeconds: number;
  readonly #now: () => number;
  #receiver: MessageReceiver;
  #generation: number;
  readonly #fingerprints: readonly string[];

  constructor(secrets: Uint8Array[], maxBodyBytes: number, options: SchemeOptions) {
    this.#secrets = secrets;
    this.#maxBodyBytes = maxBodyBytes;
    this.#toleranceSeconds = toleranceOf(options);
    this.#now = clockOf(options) ?? Date.now;
    this.#receiver = call((core) => this.#prepare(core));
    this.#generation = generation;
    this.#fingerprints = secrets.map((_, nth) => call(() => this.#receiver.fingerprint(nth)));
  }

  /** Refuses by the headers, the time and the declared length, before a body is read. */
  admit(header: GetHeader, declaredLength: number): void {
    const claimed = claimedBy(header);
    const now = this.#time();
    call((core) => this.#claim(core, claimed).admit(now, declaredLength));
  }

  /** Verifies the raw body of a request. */
  verify(payload: Payload, header: GetHeader): Match & { payload: Uint8Array } {
    const [bytes, webhookId] = this.#judge("verify", payload, header);
    return { payload: bytes, ...reportedMatch(this.#fingerprints), webhookId };
  }

  /** Verifies the raw body and returns who signed it beside its event. */
  open(payload: Payload, header: GetHeader): [Match, VtryonEvent] {
    const [, webhookId] = this.#judge("open", payload, header);
    const match = { ...reportedMatch(this.#fingerprints), webhookId };
    return [match, { ...reportedEvent(), webhook_id: webhookId }];
  }

  /** Returns the bytes that were verified, and the id of the message; the core has reported on them then. */
  #judge(
    verb: "open" | "verify",
    payload: Payload,
    header: GetHeader,
  ): [bytes: Uint8Array, webhookId: string] {
    // First, for headers and a clock of another kind may run code that changes the payload.
    const claimed = claimedBy(header);
    const now = this.#time();
    const isLong = typeof payload === "string" && payload.length > this.#maxBodyBytes;
    const bytes = isLong ? undefined : bytesOf(payload);
    if (bytes === undefined && !isLong) throw refusal("payload_not_raw");
    const length = bytes?.byteLength ?? (payload as string).length;
    call((core) => {
      const receiver = this.#claim(core, claimed);
      // What is too long is refused before it is copied.
      if (bytes === undefined || length > this.#maxBodyBytes) return receiver.admit(now, length);
      write(core, bytes, length, "");
      const isGood = verb === "open" ? receiver.open(now, length) : receiver.verify(now, length);
      if (!isGood) throw core.refusal();
    });
    return [bytes as Uint8Array, claimed.values[0]];
  }

  /** Passes the headers to the core. A trap voids all receivers: they are prepared anew. */
  #claim(core: Core, { counts, values }: Claimed): MessageReceiver {
    if (this.#generation !== generation) {
      this.#receiver = this.#prepare(core);
      this.#generation = generation;
    }
    this.#receiver.claim(counts, ...values);
    return this.#receiver;
  }

  #prepare(core: Core): MessageReceiver {
    return new core.MessageReceiver(this.#secrets, this.#maxBodyBytes, this.#toleranceSeconds);
  }

  /** Reads the clock. */
  #time(): number {
    let time: unknown;
    try {
      time = this.#now();
    } catch {
      throw refusal("invalid_option", "`now` has thrown");
    }
    if (typeof time === "number" && Number.isFinite(time)) return time;
    throw refusal("invalid_option", "`now` has returned no number");
  }
}

/** How often each of the three headers came, and its value where that is once. */
interface Claimed {
  readonly counts: Uint32Array;
  readonly values: readonly [id: string, timestamp: string, signature: string];
}

function claimedBy(header: GetHeader): Claimed {
  const counts = new Uint32Array(NAMES.length);
  const values: [string, string, string] = ["", "", ""];
  for (const [nth, name] of NAMES.entries()) {
    const [count, value] = onlyValue(header, name);
    counts[nth] = count;
    values[nth] = value.slice(0, MOST_UNITS[nth]);
  }
  return { counts, values };
}

/** How often a header came, and its value. What is no text is passed on as a malformed one. */
function onlyValue(header: GetHeader, name: string): [count: number, value: string] {
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

/** Returns what gets a header out of the headers of a request, whatever the case of their names. */
export function headersOf(headers: unknown): GetHeader {
  return (name) => {
    if (typeof headers !== "object" || headers === null) return undefined;
    if ("get" in headers && typeof headers.get === "function") return headers.get(name);
    const found: unknown[] = Object.entries(headers)
      .filter(([key, value]) => key.toLowerCase() === name && value !== undefined)
      .flatMap(([, value]) => value);
    return found as string[];
  };
}
