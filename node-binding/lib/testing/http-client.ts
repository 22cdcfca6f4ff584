import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import type { Outgoing } from "./hostile/case.js";

/** What came of it: an answer, or why there was none. */
export type HttpResult =
  | { readonly status: number; readonly retryAfter: string | undefined; readonly text: string }
  | NoAnswer;

/** Why there was no answer. */
export interface NoAnswer {
  /** In words. */
  readonly none: string;
  /** Whether the other side has ended the connection. */
  readonly closed: boolean;
  /** Whether there was no connection at all, so nothing was sent. */
  readonly unreachable: boolean;
  /** Whether that was because the server's certificate is not trusted. */
  readonly untrusted?: boolean;
}

/** How much is written at once. Between two writes it is seen whether an answer has come. */
const SLICE = 16 * 1024;

/** How much of an answer is read. */
const MAX_ANSWER = 64 * 1024;

/** How much a `content-length` is off that is wrong on purpose. */
const OFF_BY = 16;

/** Reads a member of an answer in JSON; undefined where there is none. */
export function answerField(outcome: HttpResult, name: "error" | "message"): unknown {
  if ("none" in outcome) return undefined;
  try {
    return JSON.parse(outcome.text)?.[name];
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

/** Codes of a certificate that is not trusted (Node, "X509 certificate error codes"), and why it is not. */
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

/** How that begins. */
export const UNTRUSTED_WORDS = "certificate not trusted";

/** Codes of a connection that the other side has ended. */
const CLOSED: readonly string[] = ["ECONNRESET", "EPIPE", "ECONNABORTED"];

const CLOSED_EARLY: NoAnswer = {
  none: "closed without an answer",
  closed: true,
  unreachable: false,
};

/** Reads a URL that can be posted to. For any other it throws what `refuse` makes of the reason. */
export function parseHttpUrl(url: string | URL, refuse: (what: string) => Error): URL {
  let target: URL | undefined;
  try {
    target = new URL(url);
  } catch {
    // Told below.
  }
  if (target === undefined || !/^https?:$/.test(target.protocol)) {
    throw refuse("is not one of http or https");
  }
  try {
    // Node decodes both for the header `authorization`, and throws where it can't.
    decodeURIComponent(`${target.username}:${target.password}`);
  } catch {
    throw refuse("has a malformed escape in its name or password");
  }
  return target;
}

/**
 * Sends one request and waits for the whole answer, at most `timeoutMs` milliseconds. It never rejects.
 *
 * A server that refuses a long body answers and closes, and where it closes before all was sent, the
 * system may throw the answer away; so a long body that was cut off is sent up to `uploads` times. Without an
 * `agent`, each request has a connection of its own.
 */
export async function sendRequest(
  url: URL,
  outgoing: Outgoing,
  timeoutMs: number,
  { uploads = 1, agent }: { uploads?: number; agent?: object | undefined } = {},
): Promise<HttpResult> {
  let outcome = await attempt(url, outgoing, timeoutMs, agent as Agent | undefined);
  for (let upload = 1; upload < uploads && outgoing.body.length > SLICE; upload += 1) {
    if (!("none" in outcome && outcome.closed)) break;
    outcome = await attempt(url, outgoing, timeoutMs, agent as Agent | undefined);
  }
  return outcome;
}

async function attempt(
  url: URL,
  outgoing: Outgoing,
  timeoutMs: number,
  agent: Agent | false = false,
): Promise<HttpResult> {
  // Named by the URL, so that bundlers for other platforms do not look for it.
  const http: typeof import("node:http") = await import(`node:${url.protocol.slice(0, -1)}`);
  return new Promise((resolve) => {
    const request = http.request(url, { method: outgoing.method, agent });
    let unreachable = true;
    const timer = setTimeout(
      () => settle({ none: `no answer within ${timeoutMs / 1000} s`, closed: false, unreachable }),
      timeoutMs,
    );
    const settle = (outcome: HttpResult) => {
      clearTimeout(timer);
      resolve(outcome);
      request.destroy();
    };
    // Once an answer has begun, it alone counts: the upload may still fail, for nobody reads it.
    let answered = false;
    const unanswered = (outcome: HttpResult) => answered || settle(outcome);
    request.on("socket", (socket) => {
      // An agent that goes through a proxy, or keeps connections, hands over one that is connected.
      if (!socket.connecting) unreachable = false;
      socket.on("connect", () => {
        unreachable = false;
      });
    });
    request.on("error", (fault) => unanswered(connectionFailure(fault)));
    request.on("close", () => unanswered(CLOSED_EARLY));
    request.on("response", (response) => {
      answered = true;
      read(response, settle);
    });
    frame(request, outgoing);
    // Not before: an agent may still change the head of the request.
    request.on("socket", () => upload(request, outgoing));
  });
}

function frame(request: ClientRequest, { method, headers, body, framing }: Outgoing): void {
  for (const [name, value] of headers) request.appendHeader(name, value);
  const declared = { length: 0, longer: OFF_BY, shorter: -OFF_BY };
  if (framing === "chunked") request.setHeader("transfer-encoding", "chunked");
  else if (body.length > 0 || method !== "GET") {
    request.setHeader("content-length", body.length + declared[framing]);
  }
}

async function upload(request: ClientRequest, { body, framing }: Outgoing): Promise<void> {
  for (let at = 0; at < body.length && !request.destroyed; at += SLICE) {
    await new Promise((written) => request.write(body.subarray(at, at + SLICE), written));
    await new Promise((turn) => setTimeout(turn));
  }
  request.end();
  if (framing === "longer") request.socket?.end();
}

/** Reads an answer; one that breaks off has a status all the same. */
function read(response: IncomingMessage, settle: (outcome: HttpResult) => void): void {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  const retryAfter = response.headers["retry-after"];
  const done = () => settle({ status: response.statusCode ?? 0, retryAfter, text });
  response.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > MAX_ANSWER) done();
    else text += decoder.decode(chunk, { stream: true });
  });
  for (const end of ["end", "error", "close"]) response.on(end, done);
}

/** Tells what went wrong on a connection. */
export function connectionFailure(fault: Error & { code?: string }): NoAnswer {
  const code = fault.code ?? "";
  if (CLOSED.includes(code)) return CLOSED_EARLY;
  const reason = UNTRUSTED[code];
  if (reason !== undefined) {
    const none = `${UNTRUSTED_WORDS}: ${reason}`;
    return { none, closed: false, unreachable: true, untrusted: true };
  }
  const isGarbled = code.startsWith("HPE_");
  const none = isGarbled
    ? "an answer that is not HTTP"
    : (FAILURES[code] ?? `no connection (${code || "unknown cause"})`);
  return { none, closed: false, unreachable: !isGarbled };
}
