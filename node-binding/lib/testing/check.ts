import { webhookError } from "../core/engine.js";
import type { ErrorCode } from "../core/error.js";
import { checkOptions } from "../core/options.js";
import type { HostileRequest, Outgoing } from "./hostile/case.js";
import { hostileRequests } from "./hostile/index.js";
import { answerField, type HttpResult, parseHttpUrl, sendRequest } from "./http-client.js";

/** The options of a check. */
export interface CheckOptions {
  /** The secret that the endpoint verifies with. */
  secret: string;
  /** The timeout of each answer, in milliseconds: 15 seconds by default. */
  timeoutMs?: number | undefined;
  /** The names of the cases to send; by default all. */
  only?: readonly string[] | undefined;
  /**
   * An `Agent` of `node:http` or `node:https` that connects to the endpoint, for proxies and private certificates.
   */
  agent?: object | undefined;
  /** Called with each result as soon as it is known. */
  onResult?: ((result: CheckResult) => void) | undefined;
}

/** The result of one case. */
export interface CheckResult {
  readonly name: string;
  readonly why: string;
  /** The request in words; empty if it was not sent because the endpoint had stopped answering. */
  readonly sent: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
}

/** The results of all cases. */
export interface CheckReport {
  /** Whether every case passed. */
  readonly ok: boolean;
  readonly results: readonly CheckResult[];
}

const DEFAULT_TIMEOUT_MS = 15_000;

/** The longest time of a timer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** After this many cases in a row without an answer, only the last one is still sent. */
const MAX_UNANSWERED = 3;

/** How often a long body is sent if the connection is closed without an answer. */
const UPLOADS = 3;

/** Codes of errors that `node:http` throws for an agent, and what is wrong with it. */
const AGENT_FAULTS: Readonly<Record<string, string>> = {
  ERR_INVALID_ARG_TYPE: "is no Agent of node:http or node:https",
  ERR_INVALID_PROTOCOL: "is for another protocol than `url`",
};

/** Codes of status 500 that are shown, because they are mistakes of configuration and no crash. */
const SHOWN_CODES: readonly ErrorCode[] = ["body_already_parsed", "payload_not_raw"];

/**
 * Attacks a running endpoint with {@link hostileRequests}, one case after the other. In Node only.
 *
 * Whatever the endpoint does is a result, not an error. Each run sends events about new tasks, which the endpoint
 * handles as real ones, so do not check one in production. Throws `invalid_option` and the codes that begin with
 * `secret_`.
 */
export async function checkEndpoint(
  url: string | URL,
  options: CheckOptions,
): Promise<CheckReport> {
  const target = parseHttpUrl(url, (what) => webhookError("invalid_option", `\`url\` ${what}`));
  checkOptions(options, ["secret", "timeoutMs", "only", "agent", "onResult"]);
  const timeoutMs = options?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw webhookError("invalid_option", "`timeoutMs` is not a positive number of milliseconds");
  }
  const cases = selectCases(
    hostileRequests(options?.secret, { task_id: newTaskPrefix() }),
    options?.only,
  );
  const results: CheckResult[] = [];
  let unanswered = 0;
  for (const [at, hostile] of cases.entries()) {
    const skip = unanswered >= MAX_UNANSWERED && at < cases.length - 1;
    const outcomes = skip ? [] : await send(target, hostile, timeoutMs, options.agent);
    const dead = outcomes.some((result) => "failure" in result && !result.closed);
    unanswered = skip || dead ? unanswered + 1 : 0;
    const result = judge(hostile, outcomes);
    results.push(result);
    options.onResult?.(result);
  }
  return { ok: results.every((result) => result.ok), results };
}

function selectCases(
  cases: HostileRequest[],
  only: readonly string[] | undefined,
): HostileRequest[] {
  if (only === undefined) return cases;
  if (!Array.isArray(only)) throw webhookError("invalid_option", "`only` is not a list of names");
  const found = cases.filter(({ name }) => only.includes(name));
  if (found.length === 0 || found.length < new Set(only).size) {
    throw webhookError("invalid_option", "`only` names a case that does not exist");
  }
  return found;
}

function newTaskPrefix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return `task_check_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

async function send(
  url: URL,
  hostile: HostileRequest,
  timeoutMs: number,
  agent: object | undefined,
): Promise<HttpResult[]> {
  const post = (outgoing: Outgoing) =>
    sendRequest(url, outgoing, timeoutMs, { uploads: UPLOADS, agent }).catch((error) => {
      const fault = AGENT_FAULTS[error?.code];
      throw fault === undefined ? error : webhookError("invalid_option", `\`agent\` ${fault}`);
    });
  if (hostile.first !== null) await post(hostile.first);
  const copies = Array.from({ length: hostile.copies }, () => hostile);
  if (hostile.together) return Promise.all(copies.map(post));
  const outcomes: HttpResult[] = [];
  for (const copy of copies) outcomes.push(await post(copy));
  return outcomes;
}

function judge(hostile: HostileRequest, outcomes: readonly HttpResult[]): CheckResult {
  const { name, why, expect } = hostile;
  const counts = new Map<string, number>();
  for (const result of outcomes) {
    const words = describe(result);
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  const got = [...counts].map(([words, count]) => (count > 1 ? `${count} × ${words}` : words));
  return {
    name,
    why,
    sent: outcomes.length > 0 ? hostile.sent : "",
    expected: expect.words,
    got: got.join(", ") || "not sent: the endpoint does not answer",
    ok: outcomes.length > 0 && outcomes.every((result) => passes(hostile, result)),
  };
}

function passes({ expect }: HostileRequest, result: HttpResult): boolean {
  if ("failure" in result) return result.closed && expect.closed;
  if (result.status === 503 && result.retryAfter === undefined) return false;
  return expect.statuses.includes(result.status);
}

/** Describes a result. The text of an answer is never shown, since it may contain anything. */
function describe(result: HttpResult): string {
  if ("failure" in result) return result.failure;
  const { status, retryAfter } = result;
  if (status === 503) return `503 ${retryAfter === undefined ? "without" : "with"} retry-after`;
  const code =
    status === 500
      ? SHOWN_CODES.find((known) => answerField(result, "error") === known)
      : undefined;
  return code === undefined ? `${status}` : `${status} ${code}: ${webhookError(code).hint}`;
}
