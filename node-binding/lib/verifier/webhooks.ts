// The class with prepared secrets, which everything else verifies with.

import { callCore, generation, type SignatureVerifier, webhookError } from "../core/engine.js";
import type { VtryonEvent } from "../core/event.js";
import { keyedPayload, writeDigest, writePayload } from "../core/memory.js";
import { MIN_NATIVE_BYTES, nativeSha256 } from "../core/native-sha256.js";
import { checkOptions, integerOption } from "../core/options.js";
import {
  type Payload,
  payloadBytes,
  plainByteLength,
  SIGNATURE_DIGITS,
  SIGNATURE_HEADER,
  type SignatureHeader,
  signatureHeader,
} from "../core/payload.js";
import { readEvent, readMatch, type SecretMatch } from "../core/report.js";
import { type Secrets, secretList, secretsFromEnvironment } from "./secrets.js";
import {
  type GetHeader,
  headerGetter,
  type RequestHeaders,
  type SchemeOptions,
  StandardWebhooks,
  schemeOf,
} from "./standard-webhooks.js";

/** The default limit of a body: 256 KiB. */
const DEFAULT_MAX_BODY_BYTES = 256 * 1024;

const BODY_BYTES = [1, 1024 * 1024, "a whole number from 1 to 1048576"] as const;

export interface Options extends SchemeOptions {
  /** The longest body that is accepted, in bytes: 1 to 1048576, by default 262144. */
  maxBodyBytes?: number | undefined;
}

/** The names of the options. */
export const OPTIONS: readonly (keyof Options)[] = [
  "maxBodyBytes",
  "scheme",
  "toleranceSeconds",
  "now",
];

/** A payload that one of the secrets has signed. */
export interface Verified extends SecretMatch {
  /** The bytes that were verified: the memory that was passed, or the UTF-8 of a string. */
  readonly payload: Uint8Array;
}

/** Verifies with secrets that are prepared once. */
export class VtryonWebhooks {
  /** The longest body that is accepted, in bytes. */
  readonly maxBodyBytes: number;
  readonly #secrets: Uint8Array[];
  /** Set if the scheme is `standard-webhooks`; it verifies instead. */
  readonly #standardWebhooks: StandardWebhooks | undefined;
  #verifier: SignatureVerifier;
  #generation: number;
  readonly #fingerprints: readonly string[];

  /**
   * Takes the secrets of `VTRYON_WEBHOOK_SECRET` and `VTRYON_WEBHOOK_SECRET_PREVIOUS`, as `fromEnvironment` does.
   * Throws the codes that begin with `secret_`.
   */
  constructor();
  /**
   * Takes one secret or several, the current one first. Throws `invalid_option`, and the codes that begin with
   * `secret_`: `secret_missing` also for undefined, which the environment does not replace.
   */
  constructor(secrets: Secrets, options?: Options);
  constructor(...args: [secrets?: Secrets, options?: Options]) {
    const [secrets, options = {}] = args;
    checkOptions(options, OPTIONS);
    this.#secrets = args.length === 0 ? secretsFromEnvironment("vtryon") : secretList(secrets);
    this.maxBodyBytes = bodyLimit(options);
    this.#standardWebhooks =
      schemeOf(options) === "vtryon"
        ? undefined
        : new StandardWebhooks(this.#secrets, this.maxBodyBytes, options);
    this.#verifier = this.#prepare();
    this.#generation = generation;
    this.#fingerprints = this.#secrets.map((_, index) =>
      callCore(() => this.#verifier.fingerprint(index)),
    );
  }

  /**
   * Takes the secrets of `VTRYON_WEBHOOK_SECRET` and `VTRYON_WEBHOOK_SECRET_PREVIOUS`, with options.
   * Throws `invalid_option`, and the codes that begin with `secret_`.
   */
  static fromEnvironment(options?: Options): VtryonWebhooks {
    return new VtryonWebhooks(secretsFromEnvironment(schemeOf(options)), options);
  }

  /**
   * Verifies the raw body of a request against the values of its signature header, or against all its headers, which
   * the scheme `standard-webhooks` needs.
   */
  verify(payload: Payload, signature: SignatureHeader | RequestHeaders): Verified {
    if (this.#standardWebhooks !== undefined) {
      return this.#standardWebhooks.verify(payload, headerGetter(signature));
    }
    const bytes = this.#run("verify", payload, signatureOf(signature));
    return { payload: payloadBytes(bytes) as Uint8Array, ...readMatch(this.#fingerprints) };
  }

  /** Verifies the raw body and returns its event. */
  constructEvent(payload: Payload, signature: SignatureHeader | RequestHeaders): VtryonEvent {
    if (this.#standardWebhooks !== undefined) {
      return this.#standardWebhooks.verifyAndParse(payload, headerGetter(signature))[1];
    }
    this.#run("verifyAndParse", payload, signatureOf(signature));
    return readEvent();
  }

  /**
   * Verifies the raw body once and returns which secret signed it, and its event.
   * @internal
   */
  verifyAndParse(payload: Payload, header: GetHeader): [SecretMatch, VtryonEvent] {
    if (this.#standardWebhooks !== undefined) {
      return this.#standardWebhooks.verifyAndParse(payload, header);
    }
    this.#run("verifyAndParse", payload, header(SIGNATURE_HEADER));
    return [readMatch(this.#fingerprints), readEvent()];
  }

  /**
   * Checks the headers and the declared length before a body is read. Throws what `verify` would throw for them.
   * @internal
   */
  admit(header: GetHeader, declaredLength: number): void {
    if (this.#standardWebhooks !== undefined) this.#standardWebhooks.admit(header, declaredLength);
    else this.#admit(header(SIGNATURE_HEADER), declaredLength);
  }

  #admit(signature: unknown, length: number): void {
    const header = signatureHeader(signature);
    callCore(() => this.#current().admit(...header, length));
  }

  /** Verifies a payload and returns its bytes. The core's report is about them then. */
  #run(method: "verify" | "verifyAndParse", payload: Payload, signature: unknown): Uint8Array {
    // Before the payload: reading an exotic list may run code that changes it.
    const [count, digits] = signatureHeader(signature);
    // A string has at least one byte per character: too long a string is refused before it is encoded.
    if (typeof payload === "string") this.#checkLength(payload.length, signature);
    const size = plainByteLength(payload);
    const bytes = size > 0 ? (payload as Uint8Array) : payloadBytes(payload);
    if (bytes === undefined) throw webhookError("payload_not_raw");
    const length = size > 0 ? size : bytes.byteLength;
    this.#checkLength(length, signature);
    callCore((core) => {
      const verifier = this.#current();
      // A malformed header throws here, before the payload is copied or hashed.
      if (digits.length !== SIGNATURE_DIGITS) verifier.admit(count, digits, length);
      if (!writePayload(core, bytes, length, digits)) verifier.admit(count, digits, length);
      if (!verifier.parseSignature()) throw core.takeError();
      const sha256 = length >= MIN_NATIVE_BYTES ? nativeSha256 : undefined;
      if (sha256 !== undefined) {
        writeDigest(sha256(keyedPayload(length)));
        for (let secret = 1; secret < this.#secrets.length; secret += 1) {
          verifier.nextSecret(secret);
          writeDigest(sha256(keyedPayload(length)));
        }
      }
      const hashed = sha256 !== undefined;
      const isVerified =
        method === "verify"
          ? verifier.verify(length, hashed)
          : verifier.verifyAndParse(length, hashed);
      if (!isVerified) throw core.takeError();
    });
    return bytes;
  }

  /** Refuses too long a payload before it is copied. Its length may exceed what wasm32 can represent. */
  #checkLength(length: number, signature: unknown): void {
    if (length > this.maxBodyBytes) this.#admit(signature, length);
  }

  /** Returns the core's verifier; prepares it again after a trap, which ends all verifiers. */
  #current(): SignatureVerifier {
    if (this.#generation !== generation) {
      this.#verifier = this.#prepare();
      this.#generation = generation;
    }
    return this.#verifier;
  }

  #prepare(): SignatureVerifier {
    return callCore((core) => new core.SignatureVerifier(this.#secrets, this.maxBodyBytes));
  }
}

/** Returns the values of the signature header, also out of all headers of a request. */
function signatureOf(signature: SignatureHeader | RequestHeaders): unknown {
  if (typeof signature !== "object" || signature === null) return signature;
  try {
    if (Array.isArray(signature)) return signature;
    // Bytes, a set, a text as an object: one header, and malformed. All headers of a request are found by their names.
    if (Symbol.iterator in signature && !("get" in signature)) return [undefined];
    return headerGetter(signature)(SIGNATURE_HEADER);
  } catch {
    // An object that throws: a header, and malformed.
    return [undefined];
  }
}

/** Reads the option `maxBodyBytes`. Throws `invalid_option`. */
export function bodyLimit(options: Options | undefined): number {
  return integerOption(options, "maxBodyBytes", DEFAULT_MAX_BODY_BYTES, BODY_BYTES);
}
