// Requests to the gateway's API, and what can become of them.

/**
 * A request that was not answered as hoped. `code` is the API's, or one of ours: unreachable, access, unreadable,
 * tickets_only.
 */
export class ApiError extends Error {
  constructor(code, message, { status, retryAfter, cause } = {}) {
    super(message, { cause });
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    /** When to come again, in milliseconds since 1970, where the answer says so. */
    this.retryAt = retryAfter && Date.now() + retryAfter * 1000;
    /** Whether what was asked for may have been done all the same. */
    this.isUnsure = false;
  }
}

/**
 * How long an answer is waited for, in milliseconds, unless the caller has a signal of its own: a network that went away
 * without a sign answers nothing, and what is busy with a request can't be left.
 */
const LONGEST_REQUEST = 60_000;

let lapsed = () => {};
let isLapsed = false;
/** How often somebody has signed in. A 401 to a request that was sent earlier does not end the present session. */
let signIns = 0;

/**
 * Sets what is called when a request is answered 401. From then on nothing is sent until `resume`: what is void would
 * only be refused again.
 */
export function onLapse(listener) {
  lapsed = listener;
}

/** Lets requests be sent again: somebody has signed in. */
export function resume() {
  isLapsed = false;
  signIns += 1;
}

/**
 * Reads JSON. `query` may hold empty values, which are left out; a `quiet` request is sent even where the session has
 * ended, and lets a 401 be the caller's alone.
 */
export async function get(path, { query = {}, signal, quiet } = {}) {
  const answer = await ask("GET", path + search(query), { signal, quiet });
  return json(answer);
}

/** Asks whether something can be read, and reads nothing. */
export async function head(path, { quiet } = {}) {
  await ask("HEAD", path, { quiet });
}

/** Reads text. */
export async function getText(path, { signal } = {}) {
  const answer = await ask("GET", path, { signal, accept: "text/plain" });
  return answer.text();
}

/** Changes something; returns what is answered, or nothing where that is empty. */
export async function send(method, path, { body, headers, quiet } = {}) {
  try {
    const answer = await ask(method, path, { body, headers, quiet });
    return answer.status === 204 ? undefined : await json(answer);
  } catch (error) {
    error.isUnsure = !body?.dry_run && mayBeDone(error);
    throw error;
  }
}

/** Whether a request may have been carried out: its answer was lost, can't be read, or is of a gateway in trouble. */
const mayBeDone = ({ code, status }) =>
  code === "unreachable" || (status !== undefined && (status < 400 || status >= 500));

/** Returns a query with its question mark; empty values are left out. */
export function search(query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

async function ask(
  method,
  path,
  { body, headers = {}, signal = AbortSignal.timeout(LONGEST_REQUEST), quiet, accept } = {},
) {
  if (isLapsed && !quiet) throw new ApiError("unauthorized", "Your session has ended.");
  const sentAfter = signIns;
  const init = { method, signal, cache: "no-store", redirect: "manual" };
  init.headers = { accept: accept ?? "application/json", ...headers };
  // No form of another site can send it: a change by a cookie is refused without.
  if (method !== "GET") init.headers["x-requested-with"] = "vtryon-dashboard";
  if (body !== undefined) {
    init.headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const answer = await fetch(path, init).catch((cause) => {
    // Given up by the caller; a limit of time has another name.
    if (signal.reason?.name === "AbortError") throw cause;
    throw new ApiError("unreachable", "The gateway can't be reached from here.", { cause });
  });
  if (answer.ok) return answer;
  const error = await refusal(answer);
  const isCurrent = sentAfter === signIns;
  if (!quiet && isCurrent && ["unauthorized", "access"].includes(error.code)) {
    isLapsed = true;
    lapsed(error);
  }
  throw error;
}

async function refusal(answer) {
  // The gateway never redirects; Cloudflare Access does, to its own sign-in.
  if (answer.type === "opaqueredirect") {
    return new ApiError("access", "Cloudflare Access wants you to sign in again.");
  }
  const { status } = answer;
  const retryAfter = Number(answer.headers.get("retry-after")) || undefined;
  const body = await answer.json().catch(() => undefined);
  if (typeof body?.error !== "string" || typeof body.message !== "string") {
    return new ApiError("unreadable", `The gateway answered ${status}.`, { status, retryAfter });
  }
  return new ApiError(body.error, body.message, { status, retryAfter });
}

async function json(answer) {
  const { status } = answer;
  return answer.json().catch((cause) => {
    throw new ApiError("unreadable", `The gateway's answer (${status}) can't be read.`, {
      status,
      cause,
    });
  });
}
