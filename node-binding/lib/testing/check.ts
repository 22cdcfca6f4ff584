import { webhookError } from "../core/engine.js";
import type { ErrorCode } from "../core/error.js";
import type { HostileRequest, Outgoing } from "./hostile/case.js";
import { hostileRequests } from "./hostile/index.js";
import { answerField, type HttpResult, parseHttpUrl, sendRequest } from "./http-client.js";

/** How an endpoint is checked. */
export interface CheckOptions {
  /** The secret that the endpoint verifies with. */
  secret: string;
  /** How long each answer may take, in milliseconds: 15 seconds by default. */
  timeoutMs?: number | undefined;
  /** The names of the cases to send; by default all. */
  only?: readonly string[] | undefined;
  /**
   * An `Agent` of `node:http` or `node:https` that connects to the endpoint, where it is behind a proxy or has a
   * certificate of its own.
   */
  agent?: object | undefined;
  /** Is told each result as soon as it is known. */
  onResult?: ((result: CheckResult) => void) | undefined;
}

/** What one case showed. */
export interface CheckResult {
  readonly name: string;
  readonly why: string;
  /** The request in words; empty where it was not sent, because the endpoint no longer answered. */
  readonly sent: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
}

/** What all of them showed. */
export interface CheckReport {
  /** Whether every case passed. */
  readonly ok: boolean;
  readonly results: readonly CheckResult[];
}

const DEFAULT_TIMEOUT_MS = 15_000;

/** The longest that a timer can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** After so many cases in a row without an answer, only the last one is still sent. */
const MAX_SILENT = 3;

/** How often a long body is sent that was cut off without an answer. */
const UPLOADS = 3;

/** Faults that a receiver names in its answer, so that they can be told from a crash. */
const NAMED: readonly ErrorCode[] = ["body_already_parsed", "payload_not_raw"];

/**
 * Attacks a running endpoint with {@link hostileRequests}, one case after the other. In Node only.
 *
 * Whatever the endpoint does is a result. Each run makes events about tasks of its own, which the
 * endpoint will take for real: check one that is not in production. Throws `invalid_option` and the
 * codes of the secret.
 */
export async function checkEndpoint(
  url: string | URL,
  options: CheckOptions,
): Promise<CheckReport> {
  const target = parseHttpUrl(url, (what) => webhookError("invalid_option", `\`url\` ${what}`));
  const timeoutMs = options?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw webhookError("invalid_option", "`timeoutMs` is not a positive number of milliseconds");
  }
  const cases = chosen(hostileRequests(options?.secret, { task_id: freshTask() }), options?.only);
  const results: CheckResult[] = [];
  let silent = 0;
  for (const [at, hostile] of cases.entries()) {
    const skip = silent >= MAX_SILENT && at < cases.length - 1;
    const outcomes = skip ? [] : await send(target, hostile, timeoutMs, options.agent);
    const dead = outcomes.some((outcome) => "none" in outcome && !outcome.closed);
    silent = skip || dead ? silent + 1 : 0;
    const result = judge(hostile, outcomes);
    results.push(result);
    options.onResult?.(result);
  }
  return { ok: results.every((result) => result.ok), results };
}

function chosen(cases: HostileRequest[], only: readonly string[] | undefined): HostileRequest[] {
  if (only === undefined) return cases;
  const found = cases.filter(({ name }) => only.includes(name));
  if (found.length === 0 || found.length < new Set(only).size) {
    throw webhookError("invalid_option", "`only` names a case that does not exist");
  }
  return found;
}

function freshTask(): string {
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
    sendRequest(url, outgoing, timeoutMs, { uploads: UPLOADS, agent });
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
  for (const outcome of outcomes) {
    const words = told(outcome);
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  const got = [...counts].map(([words, count]) => (count > 1 ? `${count} × ${words}` : words));
  return {
    name,
    why,
    sent: outcomes.length > 0 ? hostile.sent : "",
    expected: expect.words,
    got: got.join(", ") || "not sent: the endpoint does not answer",
    ok: outcomes.length > 0 && outcomes.every((outcome) => passes(hostile, outcome)),
  };
}

function passes({ expect }: HostileRequest, outcome: HttpResult): boolean {
  if ("none" in outcome) return outcome.closed && expect.closed;
  if (outcome.status === 503 && outcome.retryAfter === undefined) return false;
  return expect.statuses.includes(outcome.status);
}

/** Says what came, in words of our own: an answer's text is a stranger's. */
function told(outcome: HttpResult): string {
  if ("none" in outcome) return outcome.none;
  const { status, retryAfter } = outcome;
  if (status === 503) return `503 ${retryAfter === undefined ? "without" : "with"} retry-after`;
  const code =
    status === 500 ? NAMED.find((named) => answerField(outcome, "error") === named) : undefined;
  return code === undefined ? `${status}` : `${status} ${code}: ${webhookError(code).hint}`;
}
