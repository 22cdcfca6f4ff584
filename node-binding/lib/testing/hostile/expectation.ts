/** Which answers pass. */
export interface Expectation {
  /** The statuses that pass. 503 passes only with `retry-after`. */
  readonly statuses: readonly number[];
  /** Whether a connection that is closed without an answer passes too. */
  readonly closed: boolean;
  /** The statuses in words: `401, 400 or 403`. */
  readonly words: string;
}

type Answers = number | "2xx" | "4xx" | "closed";

/** A valid event is accepted. */
export const TAKEN: Expectation = expecting("2xx");

/** A request without a valid signature is refused: 401 by our table of errors; others use 400 or 403. */
export const REFUSED: Expectation = expecting(401, 400, 403);

/** A signed body that is no event is stored and acknowledged, or refused, but causes no server error. */
export const READ_OR_REFUSED: Expectation = expecting("2xx", 400, 422);

/** The same for a body that is long. */
export const READ_OR_TOO_LONG: Expectation = expecting("2xx", 400, 413, 422);

/** A signed body with a content type or coding that a server may not support. */
export const TAKEN_OR_UNSUPPORTED: Expectation = expecting("2xx", 400, 415);

/** The same without a valid signature. */
export const REFUSED_OR_UNSUPPORTED: Expectation = expecting(401, 400, 403, 415);

/** A valid body between the default limit and the highest limit. */
export const TAKEN_OR_TOO_LONG: Expectation = expecting("2xx", 413);

/** The same without a valid signature. */
export const REFUSED_OR_TOO_LONG: Expectation = expecting(413, 401, 400, 403);

/** A body above the highest limit. */
export const TOO_LONG: Expectation = expecting(413);

/** A method other than POST: 405, or whatever a router answers. */
export const OTHER_METHOD: Expectation = expecting("4xx", 501);

/** A duplicate while the event is being handled. */
export const TAKEN_OR_LATER: Expectation = expecting("2xx", 503);

/**
 * The connection ends after every signed byte, before the declared length. To accept them is no forgery; otherwise the
 * sender is at error (`incomplete_body`), and may be gone before the answer.
 */
export const CUT_OFF: Expectation = expecting("2xx", "4xx", "closed");

function expecting(...answers: Answers[]): Expectation {
  const words = answers.map((answer) => (answer === 503 ? "503 with retry-after" : `${answer}`));
  const last = words.pop() ?? "";
  return {
    statuses: answers.flatMap(statusesOf),
    closed: answers.includes("closed"),
    words: words.length > 0 ? `${words.join(", ")} or ${last}` : last,
  };
}

function statusesOf(answer: Answers): number[] {
  if (typeof answer === "number") return [answer];
  if (answer === "closed") return [];
  return Array.from({ length: 100 }, (_, at) => Number(answer[0]) * 100 + at);
}
