// Sends single requests over node:http, also malformed ones, and describes what came back.

import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import type { Outgoing } from "./hostile/case.js";

/** The result of a request: an answer, or the reason why there was none. */
export type HttpResult =
  | { readonly status: number; readonly retryAfter: string | undefined; readonly text: string }
  | NoAnswer;

/** Why there was no answer. */
export interface NoAnswer {
  /** The reason, in words. */
  readonly failure: string;
  /** Whether the server closed the connection. */
  readonly closed: boolean;
  /** Whether there was no connection, so that nothing was sent. */
  readonly unreachable: boolean;
  /** Whether the server's certificate is not trusted. */
  readonly untrusted?: boolean;
}

/** How much is written at once. Between two writes, an answer can arrive. */
const CHUNK_BYTES = 16 * 1024;

/** The longest answer that is read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** By how many bytes a deliberately wrong `content-length` differs. */
const WRONG_LENGTH_BY = 16;

/** Returns a member of a JSON answer; undefined if there is none. */
export function answerField(result: HttpResult, name: "error" | "message"): unknown {
  if ("failure" in result) return undefined;
  try {
    return JSON.parse(result.text)?.[name];
  } catch {
    return undefined;
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "unknown host",
  EHOSTUNREACH: "host not reachable",
  ENETUNREACH: "host not reachable",
  EPROTO: "no TLS there: is its URL http?",
  ERR_SSL_WRONG_VERSION_NUMBER: "no TLS there: is its URL http?",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "no TLS there: is its URL http?",
};

/** Error codes of certificates (Node, "X509 certificate error codes"), and what they mean. */
const UNTRUSTED: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "its authority is unknown",
  UNABLE_TO_GET_ISSUER_CERT: "its authority is unknown",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its authority is unknown",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its authority is unknown",
  CERT_UNTRUSTED: "its authority is not trusted",
  CERT_REJECTED: "its authority is not trusted",
  INVALID_CA: "its authority is not trusted",
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  CERT_REVOKED: "it is revoked",
  HOSTNAME_MISMATCH: "it is for another host",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is for another host",
};

/** The beginning of the failure for such a certificate. */
export const UNTRUSTED_PREFIX = "certificate not trusted";

/** Error codes of a connection that the server closed. */
const CLOSED: readonly string[] = ["ECONNRESET", "EPIPE", "ECONNABORTED"];

const CLOSED_EARLY: NoAnswer = {
  failure: "closed without an answer",
  closed: true,
  unreachable: false,
};

/** Parses an http or https URL. For anything else it throws the error that `refuse` makes of the reason. */
export function parseHttpUrl(url: string | URL, refuse: (what: string) => Error): URL {
  let target: URL | undefined;
  try {
    target = new URL(url);
  } catch {
    // Reported below.
  }
  if (target === undefined || !/^https?:$/.test(target.protocol)) {
    throw refuse("is not one of http or https");
  }
  try {
    // Node decodes both for the header `authorization`, and throws if it can't.
    decodeURIComponent(`${target.username}:${target.password}`);
  } catch {
    throw refuse("has a malformed escape in its name or password");
  }
  return target;
}

/**
 * Sends one request and waits for the whole answer, at most `timeoutMs` milliseconds. Rejects only for an `agent` that
 * `http.request` refuses.
 *
 * A server that refuses a long body answers and closes. If it closes before all was sent, the operating system may drop
 * the answer, so a long body is sent up to `uploads` times until there is one. Without an `agent`, each request has its
 * own connection.
 */
export async function sendRequest(
  url: URL,
  outgoing: Outgoing,
  timeoutMs: number,
  { uploads = 1, agent }: { uploads?: number; agent?: object | undefined } = {},
): Promise<HttpResult> {
  let result = await attempt(url, outgoing, timeoutMs, agent as Agent | undefined);
  for (let upload = 1; upload < uploads && outgoing.body.length > CHUNK_BYTES; upload += 1) {
    if (!("failure" in result && result.closed)) break;
    result = await attempt(url, outgoing, timeoutMs, agent as Agent | undefined);
  }
  return result;
}

async function attempt(
  url: URL,
  outgoing: Outgoing,
  timeoutMs: number,
  agent: Agent | false = false,
): Promise<HttpResult> {
  // A computed name, which bundlers for other platforms do not try to resolve.
  const http: typeof import("node:http") = await import(`node:${url.protocol.slice(0, -1)}`);
  return new Promise((resolve) => {
    const request = http.request(url, { method: outgoing.method, agent });
    let unreachable = true;
    const timer = setTimeout(
      () =>
        settle({ failure: `no answer within ${timeoutMs / 1000} s`, closed: false, unreachable }),
      timeoutMs,
    );
    const settle = (result: HttpResult) => {
      clearTimeout(timer);
      resolve(result);
      request.destroy();
    };
    // Once an answer has begun, only that counts. The upload may still fail, because the server stops reading.
    let answered = false;
    const settleUnanswered = (result: HttpResult) => answered || settle(result);
    request.on("socket", (socket) => {
      // A proxy agent and a keep-alive agent provide a connected socket.
      if (!socket.connecting) unreachable = false;
      socket.on("connect", () => {
        unreachable = false;
      });
    });
    request.on("error", (error) => settleUnanswered(connectionFailure(error)));
    request.on("close", () => settleUnanswered(CLOSED_EARLY));
    request.on("response", (response) => {
      answered = true;
      readAnswer(response, settle);
    });
    setFraming(request, outgoing);
    // Not earlier: an agent may still change the head of the request.
    request.on("socket", () => upload(request, outgoing));
  });
}

function setFraming(request: ClientRequest, { method, headers, body, framing }: Outgoing): void {
  for (const [name, value] of headers) request.appendHeader(name, value);
  const declared = { length: 0, longer: WRONG_LENGTH_BY, shorter: -WRONG_LENGTH_BY };
  if (framing === "chunked") request.setHeader("transfer-encoding", "chunked");
  else if (body.length > 0 || method !== "GET") {
    request.setHeader("content-length", body.length + declared[framing]);
  }
}

async function upload(request: ClientRequest, { body, framing }: Outgoing): Promise<void> {
  for (let at = 0; at < body.length && !request.destroyed; at += CHUNK_BYTES) {
    await new Promise((written) => request.write(body.subarray(at, at + CHUNK_BYTES), written));
    await new Promise((turn) => setTimeout(turn));
  }
  request.end();
  if (framing === "longer") request.socket?.end();
}

/** Reads an answer. One that breaks off still has a status. */
function readAnswer(response: IncomingMessage, settle: (result: HttpResult) => void): void {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  const retryAfter = response.headers["retry-after"];
  const done = () => settle({ status: response.statusCode ?? 0, retryAfter, text });
  response.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) done();
    else text += decoder.decode(chunk, { stream: true });
  });
  for (const end of ["end", "error", "close"]) response.on(end, done);
}

/** Describes why a connection failed. */
export function connectionFailure(error: Error & { code?: string }): NoAnswer {
  const code = error.code ?? "";
  if (CLOSED.includes(code)) return CLOSED_EARLY;
  const reason = UNTRUSTED[code];
  if (reason !== undefined) {
    const failure = `${UNTRUSTED_PREFIX}: ${reason}`;
    return { failure, closed: false, unreachable: true, untrusted: true };
  }
  const isGarbled = code.startsWith("HPE_");
  const failure = isGarbled
    ? "an answer that is not HTTP"
    : (FAILURES[code] ?? `no connection (${code || "unknown cause"})`);
  return { failure, closed: false, unreachable: !isGarbled };
}
