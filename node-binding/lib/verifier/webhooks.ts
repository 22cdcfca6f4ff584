import { call, generation, type Receiver, refusal } from "../core/engine.js";
import type { VtryonEvent } from "../core/event.js";
import { padded, write, writeDigest } from "../core/memory.js";
import { hostHash, WORTH_BYTES } from "../core/native-sha256.js";
import { numberOf } from "../core/options.js";
import {
  bytesOf,
  DIGITS,
  headerOf,
  type Payload,
  SIGNATURE_HEADER,
  type SignatureHeader,
  sizeOfBytes,
} from "../core/payload.js";
import { type Match, reportedEvent, reportedMatch } from "../core/report.js";
import { type Secrets, secretsFromEnvironment, secretsOf } from "./secrets.js";
import {
  type GetHeader,
  headersOf,
  MessageVerifier,
  type RequestHeaders,
  type SchemeOptions,
  schemeOf,
} from "./standard-webhooks.js";

/** How long a body may be, in bytes, where nothing else is said: 256 KiB. */
const DEFAULT_MAX_BODY_BYTES = 256 * 1024;

const BODY_BYTES = [1, 1024 * 1024, "a whole number from 1 to 1048576"] as const;

export interface Options extends SchemeOptions {
  /** How long a body may be, in bytes: 1 to 1048576, by default 262144. */
  maxBodyBytes?: number | undefined;
}

/** Bytes that a configured secret has signed. */
export interface Verified extends Match {
  /** What was verified: the memory that was passed, or the UTF-8 of a string. */
  readonly payload: Uint8Array;
}

/** Verifies with secrets that are prepared once. */
export class VtryonWebhooks {
  /** How long a body may be, in bytes. */
  readonly maxBodyBytes: number;
  readonly #secrets: Uint8Array[];
  /** Verifies instead, where the scheme is that of Standard Webhooks. */
  readonly #messages: MessageVerifier | undefined;
  #receiver: Receiver;
  #generation: number;
  readonly #fingerprints: readonly string[];

  /**
   * Takes the secrets, by default from `VTRYON_WEBHOOK_SECRET` and `VTRYON_WEBHOOK_SECRET_PREVIOUS`.
   * Throws `invalid_option`, and the codes that begin with `secret_`.
   */
  constructor(secrets?: Secrets | undefined, options: Options = {}) {
    this.#secrets = secrets === undefined ? secretsFromEnvironment() : secretsOf(secrets);
    this.maxBodyBytes = limitOf(options);
    this.#messages =
      schemeOf(options) === "vtryon"
        ? undefined
        : new MessageVerifier(this.#secrets, this.maxBodyBytes, options);
    this.#receiver = this.#prepare();
    this.#generation = generation;
    this.#fingerprints = this.#secrets.map((_, nth) => call(() => this.#receiver.fingerprint(nth)));
  }

  /**
   * Verifies the raw body of a request against the values of its signature header; with the scheme
   * `standard-webhooks` against all its headers.
   */
  verify(payload: Payload, signature: SignatureHeader | RequestHeaders): Verified {
    if (this.#messages !== undefined) return this.#messages.verify(payload, headersOf(signature));
    const bytes = this.#judge("verify", payload, signature);
    return { payload: bytesOf(bytes) as Uint8Array, ...reportedMatch(this.#fingerprints) };
  }

  /** Verifies the raw body and returns its event. */
  constructEvent(payload: Payload, signature: SignatureHeader | RequestHeaders): VtryonEvent {
    if (this.#messages !== undefined) return this.#messages.open(payload, headersOf(signature))[1];
    this.#judge("open", payload, signature);
    return reportedEvent();
  }

  /**
   * Verifies the raw body once and returns who signed it beside its event.
   * @internal
   */
  open(payload: Payload, header: GetHeader): [Match, VtryonEvent] {
    if (this.#messages !== undefined) return this.#messages.open(payload, header);
    this.#judge("open", payload, header(SIGNATURE_HEADER));
    return [reportedMatch(this.#fingerprints), reportedEvent()];
  }

  /**
   * Refuses by the headers and the declared length, before a body is read.
   * @internal
   */
  admit(header: GetHeader, declaredLength: number): void {
    if (this.#messages !== undefined) this.#messages.admit(header, declaredLength);
    else this.#admit(header(SIGNATURE_HEADER), declaredLength);
  }

  #admit(signature: unknown, length: number): void {
    const header = headerOf(signature);
    call(() => this.#current().admit(...header, length));
  }

  /** Returns the bytes that were verified; the core has reported on them then. */
  #judge(verb: "open" | "verify", payload: Payload, signature: unknown): Uint8Array {
    // First, for a list of its own kind may run code that changes the payload.
    const [count, digits] = headerOf(signature);
    // A text has at least a byte for each of its units: one that is too long is not even encoded.
    if (typeof payload === "string") this.#limit(payload.length, signature);
    const size = sizeOfBytes(payload);
    const bytes = size > 0 ? (payload as Uint8Array) : bytesOf(payload);
    if (bytes === undefined) throw refusal("payload_not_raw");
    const length = size > 0 ? size : bytes.byteLength;
    this.#limit(length, signature);
    call((core) => {
      const receiver = this.#current();
      // A header of any other form is refused here, before its payload is copied or hashed.
      if (digits.length !== DIGITS) receiver.admit(count, digits, length);
      if (!write(core, bytes, length, digits)) receiver.admit(count, digits, length);
      if (!receiver.claim()) throw core.refusal();
      const hashes = length >= WORTH_BYTES ? hostHash : undefined;
      if (hashes !== undefined) {
        writeDigest(hashes(padded(length)));
        for (let secret = 1; secret < this.#secrets.length; secret += 1) {
          receiver.next(secret);
          writeDigest(hashes(padded(length)));
        }
      }
      const hashed = hashes !== undefined;
      const isGood =
        verb === "open" ? receiver.open(length, hashed) : receiver.verify(length, hashed);
      if (!isGood) throw core.refusal();
    });
    return bytes;
  }

  /** Refuses what is too long before it is copied, for lengths that wasm can't tell too. */
  #limit(length: number, signature: unknown): void {
    if (length > this.maxBodyBytes) this.#admit(signature, length);
  }

  /** A trap voids all receivers: they are prepared anew. */
  #current(): Receiver {
    if (this.#generation !== generation) {
      this.#receiver = this.#prepare();
      this.#generation = generation;
    }
    return this.#receiver;
  }

  #prepare(): Receiver {
    return call((core) => new core.Receiver(this.#secrets, this.maxBodyBytes));
  }
}

/** Returns the limit of the body. Throws `invalid_option`. */
export function limitOf(options: Options | undefined): number {
  return numberOf(options, "maxBodyBytes", DEFAULT_MAX_BODY_BYTES, BODY_BYTES);
}
